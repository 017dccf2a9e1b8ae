"""Recognises what can be uploaded.

Paths go to the core as they are. Frames and bytes become temporary parquet files, one after
the other, as fast as the upload takes them.
"""
