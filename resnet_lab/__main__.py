"""`python -m resnet_lab` is `resnet-lab`."""

from .cli.app import main

main()
