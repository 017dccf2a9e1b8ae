//! Descriptions of annotations that this package does not interpret.
//!
//! Catalogs contain them, so they do not depend on how a release of the parquet crate formats its
//! values.

use parquet::basic::{EdgeInterpolationAlgorithm, LogicalType, TimeUnit};

/// A description of an annotation, for a group or leaf that it does not usually stand on.
pub(super) fn annotation_words(logical: &LogicalType) -> String {
    let plain = match logical {
        LogicalType::String => "string",
        LogicalType::Map => "map",
        LogicalType::List => "list",
        LogicalType::Enum => "enum",
        LogicalType::Date => "date",
        LogicalType::Unknown => "unknown",
        LogicalType::Json => "json",
        LogicalType::Bson => "bson",
        LogicalType::Uuid => "uuid",
        LogicalType::Float16 => "float16",
        // Its version says nothing about the columns.
        LogicalType::Variant(_) => "variant",
        LogicalType::Decimal(decimal) => {
            let (scale, precision) = (decimal.scale, decimal.precision);
            return format!("decimal(decimaltype {{ scale: {scale}, precision: {precision} }})");
        }
        LogicalType::Integer(integer) => {
            let (bits, is_signed) = (integer.bit_width, integer.is_signed);
            return format!("integer(inttype {{ bit_width: {bits}, is_signed: {is_signed} }})");
        }
        LogicalType::Time(time) => {
            let moment = moment(time.is_adjusted_to_u_t_c, time.unit);
            return format!("time(timestamptype {moment})");
        }
        LogicalType::Timestamp(time) => {
            let moment = moment(time.is_adjusted_to_u_t_c, time.unit);
            return format!("timestamp(timestamptype {moment})");
        }
        LogicalType::Geometry(geometry) => {
            return format!("geometry(geometrytype {{ crs: {} }})", text(geometry.crs.as_deref()));
        }
        LogicalType::Geography(geography) => {
            let crs = text(geography.crs.as_deref());
            let algorithm = algorithm(geography.algorithm);
            return format!("geography(geographytype {{ crs: {crs}, algorithm: {algorithm} }})");
        }
        LogicalType::_Unknown { field_id } => {
            return format!("_unknown {{ field_id: {field_id} }}");
        }
    };
    plain.to_owned()
}

fn moment(is_utc: bool, unit: TimeUnit) -> String {
    let unit = match unit {
        TimeUnit::MILLIS => "millis",
        TimeUnit::MICROS => "micros",
        TimeUnit::NANOS => "nanos",
    };
    format!("{{ is_adjusted_to_u_t_c: {is_utc}, unit: {unit} }}")
}

fn text(text: Option<&str>) -> String {
    format!("{text:?}").to_lowercase()
}

fn algorithm(algorithm: Option<EdgeInterpolationAlgorithm>) -> String {
    let Some(algorithm) = algorithm else { return "none".to_owned() };
    let name = match algorithm {
        EdgeInterpolationAlgorithm::SPHERICAL => "spherical",
        EdgeInterpolationAlgorithm::VINCENTY => "vincenty",
        EdgeInterpolationAlgorithm::THOMAS => "thomas",
        EdgeInterpolationAlgorithm::ANDOYER => "andoyer",
        EdgeInterpolationAlgorithm::KARNEY => "karney",
        EdgeInterpolationAlgorithm::_Unknown(code) => return format!("some(_unknown({code}))"),
    };
    format!("some({name})")
}

#[cfg(test)]
mod tests {
    use super::{EdgeInterpolationAlgorithm as Algorithm, LogicalType, TimeUnit, annotation_words};

    /// As releases before this one described them. Never change one: catalogs contain them.
    #[test]
    fn each_annotation_has_the_description_that_catalogs_contain() {
        let crs = Some("EPSG:\"1\"".to_owned());
        for (logical, words) in [
            (LogicalType::String, "string"),
            (LogicalType::List, "list"),
            (LogicalType::Map, "map"),
            (LogicalType::Unknown, "unknown"),
            (LogicalType::Float16, "float16"),
            (LogicalType::decimal(2, 9), "decimal(decimaltype { scale: 2, precision: 9 })"),
            (LogicalType::integer(8, true), "integer(inttype { bit_width: 8, is_signed: true })"),
            (
                LogicalType::time(true, TimeUnit::MILLIS),
                "time(timestamptype { is_adjusted_to_u_t_c: true, unit: millis })",
            ),
            (
                LogicalType::timestamp(false, TimeUnit::NANOS),
                "timestamp(timestamptype { is_adjusted_to_u_t_c: false, unit: nanos })",
            ),
            (
                LogicalType::geometry(crs),
                "geometry(geometrytype { crs: some(\"epsg:\\\"1\\\"\") })",
            ),
            (
                LogicalType::geography(None, Some(Algorithm::SPHERICAL)),
                "geography(geographytype { crs: none, algorithm: some(spherical) })",
            ),
            (
                LogicalType::geography(None, Some(Algorithm::_Unknown(7))),
                "geography(geographytype { crs: none, algorithm: some(_unknown(7)) })",
            ),
            (LogicalType::_Unknown { field_id: 100 }, "_unknown { field_id: 100 }"),
        ] {
            assert_eq!(annotation_words(&logical), words);
        }
    }
}
