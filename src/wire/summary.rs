//! The columns of a dataset or a file, as listings show them.

use serde::{
    Deserialize, Serialize,
    de::{IgnoredAny, MapAccess, SeqAccess},
};
use utoipa::ToSchema;

use super::lenient::{FromJson, Lenient};

/// Columns of a dataset or file, human-readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchemaSummary {
    /// Top-level columns in order.
    pub fields: Vec<FieldSummary>,
}

/// One top-level column of [`SchemaSummary`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldSummary {
    /// The column's name.
    pub name: String,
    /// A description of the column's type.
    #[serde(rename = "type")]
    pub data_type: String,
}

impl FromJson for SchemaSummary {
    fn from_object<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Option<Self>, A::Error> {
        let mut summary = None;
        while let Some(key) = entries.next_key::<String>()? {
            if key == "fields" {
                let Lenient(fields) = entries.next_value::<Lenient<Vec<FieldSummary>>>()?;
                summary = fields.map(|fields| Self { fields });
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(summary)
    }
}

impl FromJson for Vec<FieldSummary> {
    /// A column that cannot be parsed invalidates the whole list.
    fn from_array<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        let mut fields = Some(Self::new());
        while let Some(Lenient(field)) = items.next_element::<Lenient<FieldSummary>>()? {
            fields = fields.zip(field).map(|(mut fields, field)| {
                fields.push(field);
                fields
            });
        }
        Ok(fields)
    }
}

impl FromJson for FieldSummary {
    fn from_object<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Option<Self>, A::Error> {
        let (mut name, mut data_type) = (None, None);
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "name" => name = entries.next_value::<Lenient<String>>()?.0,
                "type" => data_type = entries.next_value::<Lenient<String>>()?.0,
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        Ok(name.zip(data_type).map(|(name, data_type)| Self { name, data_type }))
    }
}
