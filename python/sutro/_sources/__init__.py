"""Recognises what can be uploaded.

Paths go to the core as they are. Frames and bytes are written to temporary Parquet files, one after
the other, as fast as the upload takes them.
"""
