"""The functions and the async twins of the calls, made by `tools/generate_calls.py`."""
