//! Adds columns from folder names (`year=2024/`) that the files do not have.

use std::{
    collections::{HashMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use arrow_array::Array;
use parquet::arrow::{
    ProjectionMask,
    arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
};

use super::{
    files::CheckedFile,
    hive_values::all_are,
    options::Hive,
    parallel::{Work, in_threads},
    problem::Problem,
};
use crate::{
    config::{BATCH_ROWS, CHECK_THREADS},
    hint::{Hint, Message},
    regular_file::hangs,
    schema::{AddedColumn, ColumnType, Schema, with_columns},
};

/// Plans the columns to add to the files, or adds problems. Writes nothing.
pub(super) fn apply(hive: &Hive, files: &mut [CheckedFile], problems: &mut Vec<Problem>) {
    match hive {
        Hive::Ignore => {}
        Hive::Refuse => {
            refuse_lost_columns(files, [Hint::AddFolderColumns, Hint::OmitFolderColumns], problems);
        }
        Hive::Columns(types) => match columns(files, types) {
            Ok(columns) => add(files, &columns, problems),
            Err(problem) => problems.push(problem),
        },
    }
}

/// Rejects created files that would lose columns: no columns can be added to them.
pub(super) fn apply_to_made(hive: &Hive, files: &[CheckedFile], problems: &mut Vec<Problem>) {
    if matches!(hive, Hive::Refuse) {
        refuse_lost_columns(files, [Hint::OmitFolderColumns, Hint::DownloadFolders], problems);
    }
}

fn has_column(file: &CheckedFile, key: &str) -> bool {
    file.footer.parquet_schema.get_fields().iter().any(|field| field.name() == key)
}

/// Rejects files that would lose the columns in their folder names.
fn refuse_lost_columns(files: &[CheckedFile], hints: [Hint; 2], problems: &mut Vec<Problem>) {
    let lost = |file: &CheckedFile| -> Vec<String> {
        let keys = file.planned.partition.iter().map(|(key, _)| key);
        keys.filter(|key| !has_column(file, key)).cloned().collect()
    };
    let mut losing = files.iter().filter(|file| !lost(file).is_empty());
    let Some(first) = losing.next() else { return };
    let keys = lost(first).join(", ");
    let message = format!("its folders define {keys}, but the file has no such column");
    let message = hints.into_iter().fold(Message::from(message), Message::hint);
    let problem = Problem::new(first.planned.content.location(), message);
    // Files in such folders often have the same name; report the lost columns first.
    problems.retain(|other| !other.is_about_name);
    problems.push(Problem { more_files: losing.count(), ..problem });
}

/// The columns that all files get.
fn columns(
    files: &[CheckedFile],
    types: &HashMap<String, ColumnType>,
) -> Result<Vec<(String, ColumnType)>, Problem> {
    let Some(first) = files.first() else { return Ok(Vec::new()) };
    let keys: Vec<_> = first.planned.partition.iter().map(|(key, _)| key.as_str()).collect();
    let problem_of = |file: &CheckedFile, message: String| {
        Problem::new(file.planned.content.location(), message)
    };
    let unique: HashSet<_> = keys.iter().collect();
    if keys.is_empty() || unique.len() < keys.len() {
        let words = if keys.is_empty() { "no folder" } else { "more than one folder" };
        let key = if keys.is_empty() { "key".to_owned() } else { keys.join(", ") };
        return Err(problem_of(first, format!("{words} in its path is named {key}=value")));
    }
    let has_other_keys = |file: &&CheckedFile| {
        !file.planned.partition.iter().map(|(key, _)| key.as_str()).eq(keys.iter().copied())
    };
    let mut others = files.iter().filter(has_other_keys);
    if let Some(other) = others.next() {
        let found: Vec<_> = other.planned.partition.iter().map(|(key, _)| key.as_str()).collect();
        let found = if found.is_empty() { "no column".to_owned() } else { found.join(", ") };
        let message = format!(
            "its folders define {found}, but those of {} define {}; all files need the same keys to \
             get columns from them",
            first.planned.content.location(),
            keys.join(", ")
        );
        return Err(Problem { more_files: others.count(), ..problem_of(other, message) });
    }
    if let Some(unknown) = types.keys().find(|name| !keys.contains(&name.as_str())) {
        let message =
            format!("a type is set for {unknown}, but its folders define {}", keys.join(", "));
        return Err(problem_of(first, message));
    }
    let column = |(place, key): (usize, &&str)| {
        let values = files.iter().filter_map(|file| file.planned.partition[place].1.as_deref());
        let column_type = types.get(*key).copied().unwrap_or_else(|| ColumnType::of_all(&values));
        ((*key).to_owned(), column_type)
    };
    Ok(keys.iter().enumerate().map(column).collect())
}

/// Finds the columns to add to a file. A column that the file already has is read and compared.
#[derive(Clone)]
struct AddColumns(Arc<[(String, ColumnType)]>);

impl Work<CheckedFile> for AddColumns {
    type Found = Result<Vec<AddedColumn>, String>;

    fn each(&mut self, file: &CheckedFile) -> Self::Found {
        added_to(file, &self.0)
    }

    fn stuck(&self, _file: &CheckedFile, limit: Duration) -> Self::Found {
        Err(hangs(limit).to_string())
    }
}

/// No time limit: reading a column of a large file takes long, and its footer was readable just
/// now.
const NO_LIMIT: Duration = Duration::MAX;

fn add(files: &mut [CheckedFile], columns: &[(String, ColumnType)], problems: &mut Vec<Problem>) {
    let added = in_threads(files, &AddColumns(columns.into()), CHECK_THREADS, NO_LIMIT);
    for (file, added) in files.iter_mut().zip(added) {
        let with_added = added.and_then(|added| {
            let schema = with_columns(&file.footer.parquet_schema, &added)
                .map_err(|error| error.to_string())?;
            Ok((added, schema))
        });
        match with_added {
            Ok((added, _)) if added.is_empty() => {}
            Ok((added, schema)) => {
                file.footer.schema = Arc::new(Schema::from_parquet(&schema));
                file.footer.parquet_schema = schema;
                file.footer.added = added.into();
            }
            Err(message) => problems.push(Problem::new(file.planned.content.location(), message)),
        }
    }
}

/// The columns that a file lacks. A column that it has must contain the value of its folder.
fn added_to(
    file: &CheckedFile,
    columns: &[(String, ColumnType)],
) -> Result<Vec<AddedColumn>, String> {
    let mut added = Vec::new();
    for ((name, column_type), (_, text)) in columns.iter().zip(&file.planned.partition) {
        let told = text.as_deref().unwrap_or("null");
        if has_column(file, name) {
            let read = AssertUnwindSafe(|| has_only(file, name, text.as_deref()));
            match catch_unwind(read) {
                Ok(Ok(true)) => continue,
                Ok(Ok(false)) => {
                    return Err(format!(
                        "the values of its column {name:?} differ from its folder {name}={told}"
                    ));
                }
                Ok(Err(error)) => {
                    return Err(format!("its column {name:?} cannot be compared: {error}"));
                }
                Err(_) => return Err("its pages are damaged".to_owned()),
            }
        }
        let value = text.as_deref().map(|text| {
            let words =
                || format!("its folder {name}={text} is not a valid {}", column_type.name());
            column_type.value_of(text).ok_or_else(words)
        });
        let value = value.transpose()?;
        added.push(AddedColumn { name: name.clone(), column_type: *column_type, value });
    }
    Ok(added)
}

/// Whether all rows of a column have the value that `text` stands for in the column's type.
fn has_only(
    file: &CheckedFile,
    name: &str,
    text: Option<&str>,
) -> Result<bool, Box<dyn std::error::Error>> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let file = file.planned.content.open()?;
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?;
    let place = reader.schema().index_of(name)?;
    let mask = ProjectionMask::roots(reader.parquet_schema(), [place]);
    for batch in reader.with_projection(mask).with_batch_size(BATCH_ROWS).build()? {
        let batch = batch?;
        let column = batch.column(0);
        let is_same = match text {
            None => column.null_count() == column.len(),
            Some(text) => column.null_count() == 0 && all_are(column, text)?,
        };
        if !is_same {
            return Ok(false);
        }
    }
    Ok(true)
}
