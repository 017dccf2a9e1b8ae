//! A footer's thrift as it comes: never a panic, an abort or a hang.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sutro::schema::{FooterReader, common_schema, diff};

fuzz_target!(|thrift: &[u8]| {
    // Pages lie where they may: in front of a footer of a large file.
    if let Ok(footer) = FooterReader::default().parse(thrift, 1 << 40) {
        assert!(diff(&footer.schema, &footer.schema).is_empty());
        let _ = footer.schema.summary();
        let _ = common_schema([&footer.parquet_schema, &footer.parquet_schema]);
    }
});
