"""Files of pictures: archives, RecordIO, image decoders, downloads, digests."""
