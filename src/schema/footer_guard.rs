//! A bounded walk over a footer's thrift before the parquet crate sees it.
