"""The names of the ops that lowering.py lowers, for use without importing PyTorch; a test compares both lists."""

OPS = frozenset(
    "conv norm relu relu6 gelu silu hard_swish sigmoid max_pool avg_pool global_avg_pool dense add multiply concat "
    "pad_channels subsample dropout drop_path layer_scale prelu split part subtract affine tanh softmax channel_mean "
    "channel_max channel_conv".split()
)
