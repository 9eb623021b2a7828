"""Building ResNet-152 in Gluon-CV and printing its summary: what `describe` is compared with."""

import sys

sys.modules["torch"] = None  # Gluon-CV refuses torch 2 beside it
import mxnet as mx
from gluoncv.model_zoo import get_model

net = get_model("resnet152_v1")
net.initialize()
net.summary(mx.nd.zeros((1, 3, 224, 224)))
print("0")
