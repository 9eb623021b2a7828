"""Many measurements of speed: `resnet-lab bench`."""
