//! The format in which releases before 0.3 stored schemas: JSON as deep as the schema. serde writes
//! it to any depth but reads only 128 levels. This parser uses the depth limit of those releases,
//! so that datasets whose schema could no longer be read open again.

use crate::schema::{
    leaf::LeafType,
    tree::{Column, DataType, Repetition, Schema},
};

/// The depth that those releases accepted.
const MAX_DEPTH: usize = 100;

const START: &str = r#"{"columns":["#;

pub(super) fn is_form_of(text: &str) -> bool {
    text.starts_with(START)
}

/// Parses the text that serde wrote: its fields are in a fixed order, without blanks.
pub(super) fn read(text: &str) -> Option<Schema> {
    let mut reader = Reader { left: text, depth: 0 };
    reader.expect(r#"{"columns":"#)?;
    let columns = reader.columns()?;
    reader.expect("}")?;
    reader.left.is_empty().then_some(Schema { columns })
}

struct Reader<'a> {
    left: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn columns(&mut self) -> Option<Vec<Column>> {
        let mut columns = Vec::new();
        self.expect("[")?;
        while self.expect("]").is_none() {
            if !columns.is_empty() {
                self.expect(",")?;
            }
            columns.push(self.column()?);
        }
        Some(columns)
    }

    fn column(&mut self) -> Option<Column> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        self.expect(r#"{"name":"#)?;
        let name = self.text()?;
        self.expect(r#","repetition":"#)?;
        let repetition = match self.text()?.as_str() {
            "required" => Repetition::Required,
            "nullable" => Repetition::Nullable,
            "repeated" => Repetition::Repeated,
            _ => return None,
        };
        self.expect(r#","data_type":{"#)?;
        let data_type = self.data_type()?;
        self.expect("}}")?;
        self.depth -= 1;
        Some(Column { name, repetition, data_type })
    }

    fn data_type(&mut self) -> Option<DataType> {
        let kind = self.text()?;
        self.expect(":")?;
        Some(match kind.as_str() {
            "leaf" => DataType::Leaf(LeafType::from_words(&self.text()?)),
            "list" => DataType::List(Box::new(self.column()?)),
            "map" => DataType::Map(self.columns()?),
            "group" => {
                self.expect(r#"{"annotation":"#)?;
                let annotation =
                    if self.expect("null").is_some() { None } else { Some(self.text()?) };
                self.expect(r#","columns":"#)?;
                let columns = self.columns()?;
                self.expect("}")?;
                DataType::Group { annotation, columns }
            }
            _ => return None,
        })
    }

    fn text(&mut self) -> Option<String> {
        let mut texts = serde_json::Deserializer::from_str(self.left).into_iter::<String>();
        let text = texts.next()?.ok()?;
        self.left = self.left.get(texts.byte_offset()..)?;
        Some(text)
    }

    fn expect(&mut self, what: &str) -> Option<()> {
        self.left = self.left.strip_prefix(what)?;
        Some(())
    }
}
