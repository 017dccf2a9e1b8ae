"""What can be uploaded, told apart.

Paths go to the core as they are. Frames and bytes become temporary parquet files, one after
the other, as fast as the upload takes them.
"""
