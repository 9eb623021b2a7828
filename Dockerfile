# resnet-lab on the CPU. Checked with hadolint, but not built where it was written: no Docker daemon was at hand.
#   docker build -t resnet-lab .
#   docker run --rm -v "$PWD/results:/work/results" resnet-lab run depth_sweep
FROM python:3.11-slim
# MXNet's CPU build needs OpenMP and libquadmath; OpenCV, which Gluon-CV asks for, needs GL and GLib.
# Debian removes older versions of its packages, so none can be pinned.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 libquadmath0 libgl1 libglib2.0-0 git \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/resnet-lab
COPY . .
RUN python -m pip install --no-cache-dir -c constraints.txt -e '.[mxnet,plot,onnx]'
WORKDIR /work
ENTRYPOINT ["resnet-lab"]
CMD ["doctor"]
