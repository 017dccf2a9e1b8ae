use std::sync::Arc;

use parquet::{
    basic::{EdgeInterpolationAlgorithm, LogicalType, Repetition, Type as Physical},
    schema::{parser::parse_message_type, types::Type},
};
use proptest::prelude::*;

use super::{LeafType, Unit, leaf_type::Stored};

/// The text of each type that has a value. Catalogs contain these texts: they must not change.
pub(crate) const ALL_WORDS: [&str; 35] = [
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

#[test]
fn every_text_stands_for_a_value() {
    for words in ALL_WORDS {
        let leaf = LeafType::from_words(words);
        assert!(!matches!(leaf, LeafType::Other(_)), "{words}");
        assert_eq!(leaf.to_string(), words);
    }
    let decimal = LeafType::from_words("decimal(38, 10) in fixed_size_binary[16]");
    let stored = Stored::Fixed(16);
    assert_eq!(decimal, LeafType::Decimal { precision: 38, scale: 10, stored });
    let instant = LeafType::Timestamp { unit: Unit::Micros, is_utc: true };
    assert_eq!(LeafType::from_words("timestamp[us, UTC]"), instant);
}

#[test]
fn a_type_has_one_text_however_it_is_annotated() {
    for (fields, words) in [
        ("required int32 a;", "int32"),
        ("required int32 a (INT_32);", "int32"),
        ("required int32 a (INTEGER(32,true));", "int32"),
        ("required int32 a (UINT_8);", "uint8"),
        ("required binary a (UTF8);", "string"),
        ("required binary a (STRING);", "string"),
        ("required int64 a (TIMESTAMP_MICROS);", "timestamp[us, UTC]"),
        ("required int64 a (TIMESTAMP(MICROS,true));", "timestamp[us, UTC]"),
        ("required int64 a (TIMESTAMP(NANOS,false));", "timestamp[ns]"),
        ("required int32 a (TIME_MILLIS);", "time[ms, UTC]"),
        ("required int32 a (DECIMAL(9,2));", "decimal(9, 2) in int32"),
        ("required fixed_len_byte_array(12) a (INTERVAL);", "interval"),
    ] {
        let schema = parse_message_type(&format!("message schema {{ {fields} }}")).unwrap();
        let leaf = LeafType::of(&schema.get_fields()[0]);
        assert_eq!(leaf.to_string(), words, "{fields}");
        assert_eq!(LeafType::from_words(words), leaf, "{fields}");
    }
}

/// The text of these types comes from the crate. Datasets that have them reject all further files
/// if another release of the crate words them otherwise.
#[test]
fn types_without_a_value_keep_their_text() {
    let spherical = Some(EdgeInterpolationAlgorithm::SPHERICAL);
    for (logical, words) in [
        (LogicalType::geometry(None), "geometry(geometrytype { crs: none }) in binary"),
        (
            LogicalType::geography(Some("EPSG:4326".to_owned()), spherical),
            "geography(geographytype { crs: some(\"epsg:4326\"), algorithm: some(spherical) }) in binary",
        ),
    ] {
        let leaf = Type::primitive_type_builder("a", Physical::BYTE_ARRAY)
            .with_logical_type(Some(logical))
            .build()
            .unwrap();
        let leaf_type = LeafType::of(&leaf);
        assert_eq!(leaf_type.to_string(), words);
        assert_eq!(LeafType::from_words(words), leaf_type);
        assert_eq!(leaf_type.to_parquet("a", Repetition::OPTIONAL), None);
    }
    let group = Arc::new(Type::group_type_builder("a").build().unwrap());
    assert_eq!(LeafType::of(&group).to_string(), "group");
}

proptest! {
    #[test]
    fn every_text_is_kept(words in prop_oneof![
        any::<String>(),
        "(int|uint|time|decimal|null|fixed_size_binary)[ \\[(]?(in )?[-+0-9]{0,3}[,)\\]]{0,2}( in )?(int32|binary)?",
    ]) {
        prop_assert_eq!(LeafType::from_words(&words).to_string(), words);
    }
}
