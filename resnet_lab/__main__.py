"""`python -m resnet_lab` is `resnet-lab`."""

from .cli import main

main()
