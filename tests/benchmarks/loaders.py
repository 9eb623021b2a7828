"""From JPEG to batches, by our workers or by others. Prints images/s as JSON.

Words: whose (`ours`, `ours_mxnet`, `iter`, `gluon`, `torch_opencv`, `torch_pillow`), the task (`crops`: random
resized crops of 224 from 500-pixel pictures; `cifar`: 32 pixels, padded crops), the folder that `make` filled,
processes, batch size, images to time. A batch is ready when it is float32 in the framework's array.
"""

import io
import json
import math
import os
import random
import sys
import time

import numpy as np

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIZE = {"crops": 224, "cifar": 32}


def ours(task, folder, processes, batch, decoder, take):
    """Batches of our feed, epoch after epoch; `take` puts one into a framework's array."""
    from pathlib import Path

    from resnet_lab import data
    from resnet_lab.data.pipeline.pictures import Records

    items = Records(Path(folder) / f"{task}.rec")
    split = data.OnDisk(items, items.file.labels(), np.arange(len(items)), 1.0, decoder).resized(SIZE[task])
    with data.Workers(processes) as workers:
        settings = {"random_resized_crop": (0.08, 1.0)} if task == "crops" else {"pad_crop": 4}
        augment = data.AugmentSpec(flip=True, **settings)
        feed = data.Feed(split, batch, 0, MEAN, STD, augment, workers=workers)
        epoch = 0
        while True:
            for images, _ in feed.epoch(epoch):
                yield take(images)
            epoch += 1


def iterator(task, folder, threads, batch):
    """MXNet's ImageRecordIter: threads in C++, no processes."""
    import mxnet as mx

    settings = (
        {"random_resized_crop": True, "min_random_area": 0.08, "max_random_area": 1.0, "min_aspect_ratio": 3 / 4,
         "max_aspect_ratio": 4 / 3}
        if task == "crops"
        else {"pad": 4, "rand_crop": True}
    )  # fmt: skip
    mean = {f"mean_{c}": 255 * value for c, value in zip("rgb", MEAN, strict=True)}
    std = {f"std_{c}": 255 * value for c, value in zip("rgb", STD, strict=True)}
    source = mx.io.ImageRecordIter(
        path_imgrec=f"{folder}/{task}.rec", path_imgidx=f"{folder}/{task}.idx", data_shape=(3, SIZE[task], SIZE[task]),
        batch_size=batch, shuffle=True, rand_mirror=True, preprocess_threads=threads, verbose=False,
        **mean, **std, **settings,
    )  # fmt: skip
    while True:
        for got in source:
            got.data[0].wait_to_read()
            yield got.data[0]
        source.reset()


def gluon(task, folder, processes, batch):
    """Gluon's DataLoader with its own transforms."""
    import mxnet as mx
    from mxnet.gluon.data import DataLoader
    from mxnet.gluon.data.vision import ImageRecordDataset, transforms

    crop = (
        transforms.RandomResizedCrop(224, scale=(0.08, 1.0))
        if task == "crops"
        else transforms.RandomCrop(32, pad=4) if hasattr(transforms, "RandomCrop") else transforms.CenterCrop(32)
    )  # fmt: skip
    chain = transforms.Compose(
        [crop, transforms.RandomFlipLeftRight(), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    )
    dataset = ImageRecordDataset(f"{folder}/{task}.rec").transform_first(chain)
    loader = DataLoader(dataset, batch, shuffle=True, last_batch="discard", num_workers=processes)
    while True:
        for images, _ in loader:
            images.wait_to_read()
            yield images
    mx.nd.waitall()


class Pictures:
    """A dataset for PyTorch's DataLoader, as people write it with OpenCV or Pillow."""

    def __init__(self, task, folder, decoder):
        from resnet_lab.data.formats.recordio import RecordFile

        records = RecordFile(f"{folder}/{task}.rec")
        self.content = [records[place].content for place in range(len(records))]
        self.task, self.decoder = task, decoder
        self.mean, self.std = (np.array(values, np.float32) for values in (MEAN, STD))

    def __len__(self):
        return len(self.content)

    def __getitem__(self, index):
        import torch

        image = self.opencv(index) if self.decoder == "opencv" else self.pillow(index)
        if random.random() < 0.5:
            image = image[:, ::-1]
        image = (image.astype(np.float32) / 255 - self.mean) / self.std
        return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))), 0

    def box(self, width, height):
        while True:
            area, ratio = width * height * random.uniform(0.08, 1), math.exp(random.uniform(-1, 1) * math.log(4 / 3))
            w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if w <= width and h <= height:
                return random.randint(0, width - w), random.randint(0, height - h), w, h

    def opencv(self, index):
        import cv2

        cv2.setNumThreads(0)
        image = cv2.imdecode(np.frombuffer(self.content[index], np.uint8), cv2.IMREAD_COLOR)
        if self.task == "crops":
            x, y, w, h = self.box(image.shape[1], image.shape[0])
            image = cv2.resize(image[y : y + h, x : x + w], (224, 224), interpolation=cv2.INTER_LINEAR)
        else:
            image = cv2.copyMakeBorder(image, 4, 4, 4, 4, cv2.BORDER_CONSTANT)
            y, x = random.randint(0, 8), random.randint(0, 8)
            image = image[y : y + 32, x : x + 32]
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)

    def pillow(self, index):
        from PIL import Image, ImageOps

        image = Image.open(io.BytesIO(self.content[index])).convert("RGB")
        if self.task == "crops":
            x, y, w, h = self.box(*image.size)
            image = image.resize((224, 224), Image.Resampling.BILINEAR, box=(x, y, x + w, y + h))
        else:
            y, x = random.randint(0, 8), random.randint(0, 8)
            image = ImageOps.expand(image, 4).crop((x, y, x + 32, y + 32))
        return np.asarray(image)


def torch_loader(task, folder, processes, batch, decoder):
    """PyTorch's DataLoader with persistent workers."""
    from torch.utils.data import DataLoader

    dataset = Pictures(task, folder, decoder)
    loader = DataLoader(
        dataset, batch, shuffle=True, num_workers=processes, drop_last=True, persistent_workers=processes > 0
    )
    while True:
        for images, _ in loader:
            yield images


def make(folder, count=512):
    """`count` pictures of 500x375 with structure at every scale, about 60 kB each; and CIFAR's where it is at hand."""
    from PIL import Image

    from resnet_lab.data.formats.recordio import RecordFile

    rng = np.random.default_rng(0)
    pictures = []
    for _ in range(count):
        image = np.zeros((375, 500, 3))
        for scale in (4, 16, 64, 250):
            small = Image.fromarray(rng.integers(0, 256, (scale * 3 // 4, scale, 3)).astype(np.uint8))
            image += np.asarray(small.resize((500, 375), Image.Resampling.BICUBIC)) / scale**0.5
        stream = io.BytesIO()
        pixels = ((image - image.min()) / np.ptp(image) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(stream, "JPEG", quality=90)
        pictures.append(stream.getvalue())
    source = RecordFile(f"{os.environ['RESNET_LAB_DATA']}/cifar10/cifar10_train.rec")
    small = [source[place].content for place in range(16_384)]
    import mxnet as mx

    for task, contents in (("crops", pictures), ("cifar", small)):
        writer = mx.recordio.MXIndexedRecordIO(f"{folder}/{task}.idx", f"{folder}/{task}.rec", "w")
        for number, content in enumerate(contents):
            writer.write_idx(number, mx.recordio.pack(mx.recordio.IRHeader(0, number % 10, number, 0), content))
        writer.close()
    return sum(map(len, pictures)) / count


def batches(whose, task, folder, processes, batch):
    if whose == "ours":
        import torch

        return ours(task, folder, processes, batch, "fast", torch.from_numpy)
    if whose == "ours_pillow":
        import torch

        return ours(task, folder, processes, batch, "pillow", torch.from_numpy)
    if whose == "ours_mxnet":
        import mxnet as mx

        from resnet_lab.engines.mxnet.model import to_device

        def array(images):
            made = to_device(images, mx.cpu())
            made.wait_to_read()
            return made

        return ours(task, folder, processes, batch, "fast", array)
    if whose == "iter":
        return iterator(task, folder, processes, batch)
    if whose == "gluon":
        return gluon(task, folder, processes, batch)
    return torch_loader(task, folder, processes, batch, whose.removeprefix("torch_"))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        print(json.dumps(make(sys.argv[2])))
        sys.exit()
    whose, task, folder = sys.argv[1:4]
    processes, batch, images = (int(word) for word in sys.argv[4:])
    source = batches(whose, task, folder, processes, batch)
    for _ in range(2 * processes + 4):  # until every worker is under way
        next(source)
    start, seen = time.perf_counter(), 0
    while seen < images:
        seen += len(next(source))
    print(json.dumps(seen / (time.perf_counter() - start)))
    sys.stdout.flush()
    os._exit(0)  # some of them do not end well
