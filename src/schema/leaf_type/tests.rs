//! The texts of types. They are in the catalogs of all releases: add to them, never change one.

use std::sync::Arc;

use parquet::{
    basic::{EdgeInterpolationAlgorithm, LogicalType, Type as Physical},
    schema::{
        parser::parse_message_type,
        types::{Type, TypePtr},
    },
};
use proptest::prelude::*;

use super::{LeafType, Storage, Unit};

/// Types that are recreated from their text.
pub(in crate::schema) const WORDS: [&str; 35] = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float",
    "double",
    "string",
    "binary",
    "enum",
    "json",
    "bson",
    "uuid",
    "date",
    "interval",
    "int96 timestamp",
    "fixed_size_binary[7]",
    "time[ms]",
    "time[us, UTC]",
    "time[ns]",
    "timestamp[ms]",
    "timestamp[us, UTC]",
    "timestamp[ns]",
    "null (in int32)",
    "null (in binary)",
    "decimal(9, 2) in int32",
    "decimal(18, 0) in int64",
    "decimal(38, 10) in fixed_size_binary[16]",
    "decimal(76, 3) in fixed_size_binary[32]",
    "decimal(5, 5) in binary",
];

/// A leaf in the language of parquet's schema parser.
fn parsed(leaf: &str) -> TypePtr {
    let message = parse_message_type(&format!("message m {{ required {leaf}; }}")).unwrap();
    message.get_fields()[0].clone()
}

fn annotated(physical: Physical, length: i32, logical: LogicalType) -> TypePtr {
    let builder = Type::primitive_type_builder("a", physical).with_length(length);
    Arc::new(builder.with_logical_type(Some(logical)).build().unwrap())
}

fn of_binary(logical: LogicalType) -> TypePtr {
    annotated(Physical::BYTE_ARRAY, -1, logical)
}

/// Leaves as writers annotate them, with the text of each.
fn golden() -> Vec<(TypePtr, &'static str)> {
    let crs = || Some("OGC:CRS84".to_owned());
    let parsed_leaves = [
        ("boolean a", "bool"),
        ("int32 a", "int32"),
        ("int64 a", "int64"),
        ("int96 a", "int96 timestamp"),
        ("float a", "float"),
        ("double a", "double"),
        ("binary a", "binary"),
        ("fixed_len_byte_array(7) a", "fixed_size_binary[7]"),
        ("binary a (UTF8)", "string"),
        ("binary a (STRING)", "string"),
        ("binary a (ENUM)", "enum"),
        ("binary a (JSON)", "json"),
        ("binary a (BSON)", "bson"),
        ("fixed_len_byte_array(12) a (INTERVAL)", "interval"),
        ("int32 a (DATE)", "date"),
        ("int32 a (INT_8)", "int8"),
        ("int32 a (INT_16)", "int16"),
        ("int32 a (INT_32)", "int32"),
        ("int64 a (INT_64)", "int64"),
        ("int32 a (UINT_8)", "uint8"),
        ("int32 a (UINT_16)", "uint16"),
        ("int32 a (UINT_32)", "uint32"),
        ("int64 a (UINT_64)", "uint64"),
        ("int32 a (INTEGER(8,true))", "int8"),
        ("int32 a (INTEGER(32,true))", "int32"),
        ("int64 a (INTEGER(64,false))", "uint64"),
        ("int32 a (TIME_MILLIS)", "time[ms, UTC]"),
        ("int64 a (TIME_MICROS)", "time[us, UTC]"),
        ("int32 a (TIME(MILLIS,false))", "time[ms]"),
        ("int64 a (TIME(NANOS,true))", "time[ns, UTC]"),
        ("int64 a (TIMESTAMP_MILLIS)", "timestamp[ms, UTC]"),
        ("int64 a (TIMESTAMP_MICROS)", "timestamp[us, UTC]"),
        ("int64 a (TIMESTAMP(MICROS,false))", "timestamp[us]"),
        ("int64 a (TIMESTAMP(NANOS,true))", "timestamp[ns, UTC]"),
        ("int32 a (DECIMAL(9,2))", "decimal(9, 2) in int32"),
        ("int64 a (DECIMAL(18,0))", "decimal(18, 0) in int64"),
        ("binary a (DECIMAL(5,5))", "decimal(5, 5) in binary"),
        ("fixed_len_byte_array(4) a (DECIMAL(9,2))", "decimal(9, 2) in fixed_size_binary[4]"),
    ];
    let built_leaves = [
        (annotated(Physical::FIXED_LEN_BYTE_ARRAY, 16, LogicalType::Uuid), "uuid"),
        (annotated(Physical::FIXED_LEN_BYTE_ARRAY, 2, LogicalType::Float16), "float16"),
        (annotated(Physical::INT32, -1, LogicalType::Unknown), "null (in int32)"),
        (annotated(Physical::INT96, -1, LogicalType::Unknown), "null (in int96 timestamp)"),
        (
            annotated(Physical::FIXED_LEN_BYTE_ARRAY, 3, LogicalType::Unknown),
            "null (in fixed_size_binary[3])",
        ),
        (of_binary(LogicalType::geometry(None)), "geometry(geometrytype { crs: none }) in binary"),
        (
            of_binary(LogicalType::geometry(crs())),
            "geometry(geometrytype { crs: some(\"ogc:crs84\") }) in binary",
        ),
        (
            of_binary(LogicalType::geography(None, None)),
            "geography(geographytype { crs: none, algorithm: none }) in binary",
        ),
        (
            of_binary(LogicalType::geography(crs(), Some(EdgeInterpolationAlgorithm::VINCENTY))),
            "geography(geographytype { crs: some(\"ogc:crs84\"), algorithm: some(vincenty) }) \
             in binary",
        ),
        (of_binary(LogicalType::_Unknown { field_id: 99 }), "_unknown { field_id: 99 } in binary"),
    ];
    let parsed_leaves = parsed_leaves.map(|(leaf, words)| (parsed(leaf), words));
    parsed_leaves.into_iter().chain(built_leaves).collect()
}

#[test]
fn each_type_has_the_text_that_catalogs_contain() {
    for (leaf, words) in golden() {
        let leaf_type = LeafType::of(&leaf);
        assert_eq!(leaf_type.to_string(), words);
        assert_eq!(LeafType::in_words(words), leaf_type);
    }
}

#[test]
fn a_text_stands_for_a_type_only_if_it_is_exactly_its_text() {
    for words in WORDS {
        let leaf_type = LeafType::in_words(words);
        assert!(!matches!(leaf_type, LeafType::Other(_)), "{words}");
        assert_eq!(leaf_type.to_string(), words);
    }
    for words in [
        "",
        "Bool",
        "int08",
        "int7",
        "int+8",
        "uint 8",
        "null (in string)",
        "decimal(9,2) in int32",
        "decimal(09, 2) in int32",
        "decimal(9, 2)",
        "timestamp[s]",
        "timestamp[us, Europe/Berlin]",
        "fixed_size_binary[x]",
        "list<int64>",
    ] {
        assert_eq!(LeafType::in_words(words), LeafType::Other(words.to_owned()));
    }
    let decimal = LeafType::Decimal { precision: 9, scale: 2, storage: Storage::FixedBinary(4) };
    assert_eq!(LeafType::in_words("decimal(9, 2) in fixed_size_binary[4]"), decimal);
    let timestamp = LeafType::Timestamp { unit: Unit::Micros, is_utc: true };
    assert_eq!(LeafType::in_words("timestamp[us, UTC]"), timestamp);
}

proptest! {
    #[test]
    fn every_text_is_kept(words in any::<String>()) {
        prop_assert_eq!(LeafType::in_words(&words).to_string(), words);
    }
}
