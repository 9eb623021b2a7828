"""File formats of pictures: archives, RecordIO, decoding, downloads."""
