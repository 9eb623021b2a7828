"""Every mistake in a file: exit status 2, one message with file and line and the nearest right thing, no traceback."""

import pytest

from resnet_lab import LabError

VARIANT = """
description: a small net
stem: {type: cifar, channels: 8}
stages:
  - {block: basic, repeat: 1, channels: 8}
  - {block: basic, repeat: 1, channels: 16, stride: 2}
head: {classes: 10}
"""

EXPERIMENT = """
variants: [small]
data: {name: digits, size: 16}
train:
  epochs: 1
  batch_size: 32
  optimizer: {name: sgd, lr: 0.1}
  schedule: cosine
"""

VARIANTS = {
    "misspelt block": (
        "block: basic, repeat: 1, channels: 8}",
        "block: bassic, repeat: 1, channels: 8}",
        5,
        "unknown block 'bassic'; did you mean 'basic'?",
    ),
    "misspelt key": ("head:", "haed:", 7, "unknown key: 'haed'; did you mean 'head'?"),
    "misspelt key of a stage": (
        "repeat: 1, channels: 16",
        "repaet: 1, channels: 16",
        6,
        "the key 'repeat' is missing in 'stages.2'; is 'repaet' a misspelling of it?",
    ),
    "misspelt option": (
        "channels: 8}\n  -",
        "channels: 8, conv_bais: true}\n  -",
        5,
        "unknown option of block 'basic': 'conv_bais'; did you mean 'conv_bias'?",
    ),
    "option of another type": (
        "channels: 8}\n  -",
        "channels: 8, conv_bias: 3}\n  -",
        5,
        "option 'conv_bias' of block 'basic' is 3: it should be a valid boolean",
    ),
    "misspelt stem": ("type: cifar", "type: cifra", 3, "unknown stem 'cifra'; did you mean 'cifar'?"),
    "misspelt shortcut": (
        "stride: 2}",
        "stride: 2, shortcut: projektion}",
        6,
        "unknown 'stages.2.shortcut': 'projektion'; did you mean 'projection'?",
    ),
    "negative depth": (
        "repeat: 1, channels: 16",
        "repeat: -3, channels: 16",
        6,
        "'stages.2.repeat' is -3: it should be greater than or equal to 1",
    ),
    "string for a number": ("classes: 10", "classes: ten", 7, "'head.classes' is 'ten': it should be a valid integer"),
    "stages missing": ("stages:", "stagse:", 4, "unknown key: 'stagse'; did you mean 'stages'?"),
    "no stages": (
        VARIANT[VARIANT.index("stages:") : VARIANT.index("head:")],
        "stages: []\n",
        4,
        "'stages' is a list: it should have at least 1 item",
    ),
    "does not parse": ("head: {", "head: {]", 7, "is no valid YAML"),
    "a key twice": ("head:", "description: again\nhead:", 7, "the key 'description' stands twice"),
    "a Python object": (
        "a small net",
        "!!python/object/apply:os.system ['touch broken']",
        2,
        "the tag '!!python/object/apply:os.system' is refused",
    ),
    "an input that is none": ("description:", "input: 32x32\ndescription:", 2, "an input is written CxHxW"),
    "extends a misspelt variant": (
        "description: a small net",
        "extends: resent18",
        2,
        "unknown variant 'resent18'; did you mean 'resnet18'?",
    ),
    "extends itself": ("description: a small net", "extends: small", 2, "'small' extends itself"),
    "no such stage": (
        VARIANT[1:],
        "extends: resnet18\nstages: {5: {repeat: 1}}\n",
        3,
        "there is no stage 5: the spec that is extended has the stages 1 to 4",
    ),
    "a missing block file": ("description:", "blocks: [mine.py]\ndescription:", 2, "there is no block file"),
    "a list": (VARIANT[1:], "- a\n- b\n", 2, "begins with a sequence, where a mapping of keys was expected"),
}

VARIANTS |= {
    "a key taken out": (
        VARIANT[1:],
        "extends: resnet18\ndescription: without a stem\nstem: null\n",
        4,
        "null removes the key 'stem', which is required",
    ),
    "an option taken out that must be there": (
        VARIANT[1:],
        "extends: resnet18\nstages:\n  2: {channels: null}\n",
        4,
        "null removes the key 'channels' in 'stages.2', which is required",
    ),
    "null for a mapping": ("stem: {type: cifar, channels: 8}", "stem: null", 3, "'stem' is null: it should be a map"),
    "a word for a mapping": ("stem: {type: cifar, channels: 8}", "stem: cifar", 3, "'stem' is 'cifar': it should be a"),
    "a stem missing": ("stem: {type: cifar, channels: 8}\n", "", 2, "the key 'stem' is missing\n"),
    "a stage's key in first": (
        "stride: 2}",
        "stride: 1,\n     first: {stride: 2}}",
        7,
        "'stride' is a key of the stage, and 'first' holds options of its block; a stage's stride is that of its first",
    ),
    "a number that is none": (
        "repeat: 1, channels: 16",
        "repeat: !!int abc, channels: 16",
        6,
        "'abc' cannot be read as !!int",
    ),
    "too many digits": ("repeat: 1, channels: 16", f"repeat: {'9' * 5000}, channels: 16", 6, "cannot be read as !!int"),
    "an input of fractions": ("description:", "input: [3.9, 32, 32]\ndescription:", 2, "an input is written CxHxW"),
}

EXPERIMENTS = {
    "unknown variant": ("[small]", "[smal]", 2, "unknown variant 'smal'; did you mean 'small'?"),
    "no such file": ("[small]", "[variants/smal.yaml]", 2, "there is no file 'variants/smal.yaml'"),
    "empty sweep": ("[small]", "[]", 2, "'variants' is a list: it should have at least 1 item"),
    "empty seeds": ("variants:", "seeds: []\nvariants:", 2, "'seeds' is a list"),
    "a seed beyond 64 bits": (
        "variants:",
        "seeds: [0, 9223372036854775808]\nvariants:",
        2,
        "'seeds.1' is 9223372036854775808: it should be less than 9223372036854775808",
    ),
    "a negative seed": (
        "variants:",
        "seeds: [-1]\nvariants:",
        2,
        "'seeds.0' is -1: it should be greater than or equal",
    ),
    "empty axis": ("train:", "grid: {train.optimizer.lr: []}\ntrain:", 4, "'grid.train.optimizer.lr' is a list"),
    "unknown axis": (
        "train:",
        "grid: {train.optimiser.lr: [1.0]}\ntrain:",
        4,
        "unknown key in 'train': 'optimiser'; did you mean 'optimizer'?",
    ),
    "an axis that is none": ("train:", "grid: {seeds: [1]}\ntrain:", 4, "'seeds' cannot be swept"),
    "a swept value of another type": (
        "train:",
        "grid: {train.epochs: [1, two]}\ntrain:",
        4,
        "'train.epochs' is 'two': it should be a valid integer",
    ),
    "a swept option of another type": (
        "train:",
        "grid: {variant.every_stage.conv_bias: [1]}\ntrain:",
        4,
        "'conv_bias' of block 'basic' is 1",
    ),
    "unknown dataset": ("name: digits", "name: digit", 3, "unknown dataset 'digit'; did you mean 'digits'?"),
    "unknown engine": ("train:", "engine: mxnt\ntrain:", 4, "unknown engine 'mxnt'; did you mean 'mxnet'?"),
    "unknown optimizer": ("name: sgd", "name: sdg", 7, "unknown 'train.optimizer.name': 'sdg'; did you mean 'sgd'?"),
    "unknown schedule": ("cosine", "cosin", 8, "unknown 'train.schedule.name': 'cosin'; did you mean 'cosine'?"),
    "a rate of zero": ("lr: 0.1", "lr: 0", 7, "'train.optimizer.lr' is 0: it should be greater than 0"),
    "a rate that is a word": ("lr: 0.1", "lr: high", 7, "'train.optimizer.lr' is 'high': it should be a valid number"),
    "nesterov without momentum": ("lr: 0.1", "lr: 0.1, nesterov: true", 7, "nesterov needs a momentum above 0"),
    "steps without milestones": ("cosine", "step", 8, "the key 'milestones' is missing in 'train.schedule'"),
    "too large a batch": ("batch_size: 32", "batch_size: 3200", 6, "but there are only 1437 images to train on"),
    "an option that the dataset does not take": (
        "size: 16",
        "size: 16, validaton: 0.1",
        3,
        "unknown option of dataset 'digits': 'validaton'; did you mean 'validation'?",
    ),
    "an option of another type": ("digits", "synthetic, count: many", 3, "'count' of dataset 'synthetic' is 'many'"),
    "an option is missing": ("digits", "arrays", 3, "dataset 'arrays' needs the option 'path'"),
    "no such folder": ("digits", "imagefolder, path: nowhere", 3, "there is no 'nowhere', neither from"),
    "a folder without classes": ("digits", "imagefolder, path: .", 3, "holds 0 class folder(s)"),
    "a missing dataset file": ("train:", "datasets: [mine.py]\ntrain:", 4, "there is no dataset file"),
    "a dataset whose file is missing": ("name: digits", "name: mine", 3, "is a file missing from 'datasets:'?"),
    "augmentations that exclude each other": (
        "size: 16",
        "size: 16, augment: [{resize: 20}, random_resized_crop]",
        3,
        "'data.augment': resize and random_resized_crop both draw a crop",
    ),
    "areas the wrong way round": (
        "size: 16",
        "size: 16, augment: [{random_resized_crop: [1.0, 0.5]}]",
        3,
        "'data.augment': the first of [1.0, 0.5] is the least",
    ),
    "a share of less than nothing": ("size: 16", "size: 16, augment: [{mixup: -1.0}]", 3, "mixup' is -1.0"),
    "damage that is neither": ("size: 16", "size: 16, damaged: keep", 3, "unknown 'data.damaged': 'keep'"),
    "fewer than no workers": ("size: 16", "size: 16, workers: -1", 3, "'data.workers' is -1"),
    "unknown augmentation": ("size: 16", "size: 16, augment: [flop]", 3, "'flop'; did you mean 'flip'?"),
    "epochs missing": ("  epochs: 1\n", "", 4, "the key 'epochs' is missing in 'train'"),
    "unknown way of compiling": (
        "train:",
        "compile: fast\ntrain:",
        4,
        "'compile' of the engine 'mxnet' must be auto, hybridize or off, not fast",
    ),
    "a way of compiling that one of the engines lacks": (
        "train:",
        "engine: [torch, mxnet]\ncompile: max-autotune\ntrain:",
        5,
        "'compile' of the engine 'mxnet' must be auto, hybridize or off, not max-autotune",
    ),
    "a precision that the engine lacks": (
        "train:",
        "precision: bfloat16\ntrain:",
        4,
        "the engine 'mxnet' computes in float32 or float16, not in bfloat16",
    ),
    "an axis of whole specs": (
        "train:",
        "grid:\n  variant.extends: [resnet18, resnet34]\ntrain:",
        5,
        "'variant.extends' cannot be swept: write a spec for each, and list them in 'variants'",
    ),
    "a misspelt dataset as a word": (
        "data: {name: digits, size: 16}",
        "data: digit",
        3,
        "unknown dataset 'digit'; did you mean 'digits'?",
    ),
    "a validation part of nothing": (
        "size: 16",
        "size: 16,\n  validation: 0.0001",
        4,
        "'data.validation' is 0.0001, which puts none of 1437 images aside",
    ),
    "a key of another schedule": (
        "cosine",
        "{name: constant, final: 0.1}",
        8,
        "'train.schedule.final': 'final' belongs to cosine, not to constant",
    ),
    "a factor without steps": ("cosine", "{name: cosine, factor: 0.5}", 8, "'factor' belongs to step, not to cosine"),
    "a warmup from without a warmup": ("cosine", "{name: cosine, warmup_from: 0.1}", 8, "needs a 'warmup' above 0"),
    "a key of another optimizer": ("lr: 0.1", "lr: 0.1, beta1: 0.8", 7, "'beta1' belongs to adam, adamw, not to sgd"),
    "an axis that decides nothing": ("train:", "grid: {compile: [off]}\ntrain:", 4, "'compile' cannot be swept"),
    "a precision that the engine lacks too": (
        "train:",
        "engine: mxnet\nprecision: tf32\ntrain:",
        5,
        "the engine 'mxnet' computes in float32 or float16, not in tf32",
    ),
    "synchronised norms for an engine without them": (
        "batch_size: 32",
        "batch_size: 32\n  norm: synchronised",
        7,
        "the engine 'mxnet' has no synchronised batch norm; the engine 'torch' has",
    ),
    "a GPU twice": ("train:", "device: gpu:1,1\ntrain:", 4, "the device 'gpu:1,1' names a GPU twice"),
    "a CPU twice": ("train:", "device: cpu:1,1\ntrain:", 4, "the device 'cpu:1,1' names a CPU twice"),
    "a batch that cannot be split": (
        "train:\n  epochs: 1\n  batch_size: 32",
        "device: gpu:0,1,2\ntrain:\n  epochs: 1\n  batch_size: 2",
        7,
        "'train.batch_size' is 2, too few to split over 3 devices",
    ),
    "unknown device": ("train:", "device: tpu\ntrain:", 4, "unknown device 'tpu'"),
}


def check(code, printed, file, line, told):
    assert code == 2, printed
    assert printed.err.startswith(f"resnet-lab: {file}:{line}: "), printed.err
    assert told in printed.err
    assert printed.err.count("\n") == 1
    assert "Traceback" not in printed.err
    assert printed.out == ""


@pytest.mark.parametrize("case", VARIANTS)
def test_a_broken_spec(workspace, cli, case):
    old, new, line, told = VARIANTS[case]
    assert old in VARIANT
    (workspace / "variants" / "small.yaml").write_text(VARIANT.replace(old, new, 1))
    check(*cli("describe", "small"), "variants/small.yaml", line, told)
    assert not (workspace / "broken").exists()


@pytest.mark.parametrize("case", EXPERIMENTS)
def test_a_broken_experiment(workspace, cli, case):
    old, new, line, told = EXPERIMENTS[case]
    assert old in EXPERIMENT
    (workspace / "variants" / "small.yaml").write_text(VARIANT)
    (workspace / "experiments" / "e.yaml").write_text(EXPERIMENT.replace(old, new, 1))
    words = ("run", "experiments/e.yaml") if case == "unknown device" else ("run", "experiments/e.yaml", "--dry-run")
    check(*cli(*words), "experiments/e.yaml", line, told)
    assert not (workspace / "results").exists()


def test_the_unbroken_ones_are_fine(workspace, cli):
    (workspace / "variants" / "small.yaml").write_text(VARIANT)
    (workspace / "experiments" / "e.yaml").write_text(EXPERIMENT)
    assert cli("describe", "small")[0] == 0
    assert cli("run", "experiments/e.yaml", "--dry-run")[0] == 0


def test_a_circle_of_extends(workspace, cli):
    for name, base in [("a", "b"), ("b", "c"), ("c", "a")]:
        (workspace / "variants" / f"{name}.yaml").write_text(f"description: {name}\nextends: {base}\n")
    check(*cli("describe", "a"), "variants/c.yaml", 2, "'extends' goes in a circle: a -> b -> c -> a")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: &x [*x]\n", "nests too deeply"),
        (
            "\n".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}' if n else '1'] * 9)}]" for n in range(9)),
            "grows too large",
        ),
        ("\xff\xfe", "begins with a scalar, where a mapping of keys was expected"),
    ],
)
def test_yaml_that_would_eat_the_machine(workspace, cli, text, told):
    (workspace / "variants" / "small.yaml").write_text(text, encoding="utf-8")
    code, printed = cli("describe", "small")
    assert code == 2
    assert told in printed.err
    assert printed.err.count("\n") == 1


def test_bytes_that_are_no_text(workspace, cli):
    (workspace / "variants" / "small.yaml").write_bytes(b"\xff\xfe\x00")
    code, printed = cli("describe", "small")
    assert (code, printed.err) == (2, "resnet-lab: variants/small.yaml: is no UTF-8 text\n")


def test_an_error_keeps_the_first_place_it_was_given():
    assert str(LabError("x").at("a", 1).at("b", 2)) == "a:1: x"
