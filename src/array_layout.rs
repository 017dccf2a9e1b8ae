//! Converts arrays to another Arrow type with the same values.
//!
//! `arrow_cast::cast` knows all pairs of types, but its code would be a quarter of the extension.
//! This module knows the pairs that frames and datasets need: other layouts, and other units of
//! time.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, FixedSizeListArray, GenericListArray,
    Int64Array, MapArray, OffsetSizeTrait, PrimitiveArray, StringArray, StructArray,
    builder::BufferBuilder,
    cast::AsArray,
    downcast_run_array,
    types::{
        Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
        Time32MillisecondType, Time32SecondType, TimestampMillisecondType, TimestampSecondType,
    },
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType, FieldRef, Fields, TimeUnit};
use arrow_select::take::take;

const MILLIS_PER_SECOND: i32 = 1000;
const MILLIS_PER_DAY: i64 = 86_400_000;

/// Returns the values in the type `to`. A value that does not fit becomes null, and units of time
/// are rounded towards zero: converting back shows what was lost.
///
/// # Errors
/// [`ArrowError`] if this pair of types is not supported, if a type without nulls gets a null, or
/// if offsets overflow.
pub(crate) fn with_type(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let from = array.data_type();
    if from == to {
        return Ok(Arc::clone(array));
    }
    match (from, to) {
        (DataType::Dictionary(keys, _), DataType::Dictionary(same, values)) if keys == same => {
            let dictionary = array.as_any_dictionary();
            Ok(dictionary.with_values(with_type(dictionary.values(), values)?))
        }
        (DataType::Dictionary(..), _) => {
            let dictionary = array.as_any_dictionary();
            take(&with_type(dictionary.values(), to)?, dictionary.keys(), None)
        }
        (DataType::RunEndEncoded(..), _) => with_type(&without_runs(array)?, to),
        (DataType::ListView(_), DataType::List(element)) => gathered::<i32>(array, element),
        (DataType::LargeListView(_), DataType::LargeList(element)) => {
            gathered::<i64>(array, element)
        }
        (DataType::List(_), DataType::List(element)) => list(array.as_list::<i32>(), element),
        (DataType::LargeList(_), DataType::LargeList(element)) => {
            list(array.as_list::<i64>(), element)
        }
        (DataType::FixedSizeList(_, size), DataType::FixedSizeList(element, same))
            if size == same =>
        {
            let lists = array.as_fixed_size_list();
            let values = with_type(lists.values(), element.data_type())?;
            let nulls = lists.nulls().cloned();
            let element = Arc::clone(element);
            FixedSizeListArray::try_new_with_length(element, *size, values, nulls, lists.len())
                .map(arc)
        }
        (DataType::Struct(_), DataType::Struct(fields)) => {
            structure(array.as_struct(), fields).map(arc)
        }
        (DataType::Map(..), DataType::Map(entries, is_sorted)) => {
            let DataType::Struct(fields) = entries.data_type() else {
                return Err(unknown(from, to));
            };
            let map = array.as_map();
            let pairs = structure(map.entries(), fields)?;
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, *is_sorted).map(arc)
        }
        _ => flat(array, to),
    }
}

fn flat(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    use TimeUnit::{Millisecond, Second};
    let per_second = i64::from(MILLIS_PER_SECOND);
    let converted = match (array.data_type(), to) {
        (DataType::Utf8View, DataType::Utf8) => {
            arc(array.as_string_view().iter().collect::<StringArray>())
        }
        (DataType::BinaryView, DataType::Binary) => {
            arc(array.as_binary_view().iter().collect::<BinaryArray>())
        }
        (DataType::Decimal32(_, from), DataType::Decimal128(_, scale)) if from == scale => {
            each::<Decimal32Type, Decimal128Type>(array, to, |digits| Some(digits.into()))
        }
        (DataType::Decimal64(_, from), DataType::Decimal128(_, scale)) if from == scale => {
            each::<Decimal64Type, Decimal128Type>(array, to, |digits| Some(digits.into()))
        }
        (DataType::Date64, DataType::Date32) => {
            each::<Date64Type, Date32Type>(array, to, |ms| (ms / MILLIS_PER_DAY).try_into().ok())
        }
        (DataType::Date32, DataType::Date64) => {
            each::<Date32Type, Date64Type>(array, to, |days| Some(i64::from(days) * MILLIS_PER_DAY))
        }
        (DataType::Time32(Second), DataType::Time32(Millisecond)) => {
            let millis = |seconds: i32| seconds.checked_mul(MILLIS_PER_SECOND);
            each::<Time32SecondType, Time32MillisecondType>(array, to, millis)
        }
        (DataType::Time32(Millisecond), DataType::Time32(Second)) => {
            let seconds = |millis| Some(millis / MILLIS_PER_SECOND);
            each::<Time32MillisecondType, Time32SecondType>(array, to, seconds)
        }
        (DataType::Timestamp(Second, from), DataType::Timestamp(Millisecond, zone))
            if from == zone =>
        {
            let millis = |seconds: i64| seconds.checked_mul(per_second);
            each::<TimestampSecondType, TimestampMillisecondType>(array, to, millis)
        }
        (DataType::Timestamp(Millisecond, from), DataType::Timestamp(Second, zone))
            if from == zone =>
        {
            let seconds = |millis| Some(millis / per_second);
            each::<TimestampMillisecondType, TimestampSecondType>(array, to, seconds)
        }
        (from, to) => return Err(unknown(from, to)),
    };
    Ok(converted)
}

fn each<From: ArrowPrimitiveType, To: ArrowPrimitiveType>(
    array: &ArrayRef,
    to: &DataType,
    convert: impl Fn(From::Native) -> Option<To::Native>,
) -> ArrayRef {
    let converted: PrimitiveArray<To> = array.as_primitive::<From>().unary_opt(convert);
    arc(converted.with_data_type(to.clone()))
}

fn list<Offset: OffsetSizeTrait>(
    lists: &GenericListArray<Offset>,
    element: &FieldRef,
) -> Result<ArrayRef, ArrowError> {
    let values = with_type(lists.values(), element.data_type())?;
    let (offsets, nulls) = (lists.offsets().clone(), lists.nulls().cloned());
    GenericListArray::try_new(Arc::clone(element), offsets, values, nulls).map(arc)
}

/// Pairs fields by position.
fn structure(array: &StructArray, fields: &Fields) -> Result<StructArray, ArrowError> {
    if array.num_columns() != fields.len() {
        return Err(unknown(array.data_type(), &DataType::Struct(fields.clone())));
    }
    let pairs = array.columns().iter().zip(fields);
    let columns = pairs.map(|(column, field)| with_type(column, field.data_type()));
    let columns = columns.collect::<Result<_, _>>()?;
    StructArray::try_new_with_length(fields.clone(), columns, array.nulls().cloned(), array.len())
}

/// Copies row by row, because the rows of list views may overlap and be in any order.
fn gathered<Offset: OffsetSizeTrait>(
    array: &ArrayRef,
    element: &FieldRef,
) -> Result<ArrayRef, ArrowError> {
    let views = array.as_list_view::<Offset>();
    let mut places = BufferBuilder::<i64>::new(views.values().len());
    let mut lengths = Vec::with_capacity(views.len());
    let mut total = 0_usize;
    for (row, (offset, size)) in views.offsets().iter().zip(views.sizes()).enumerate() {
        let (offset, size) = (offset.as_usize(), size.as_usize());
        let size = if views.is_null(row) { 0 } else { size };
        for place in offset..offset + size {
            places.append(i64::try_from(place).unwrap_or(i64::MAX));
        }
        lengths.push(size);
        total += size;
    }
    if Offset::from_usize(total).is_none() {
        let message = format!("a column of {} has too many elements", array.data_type());
        return Err(ArrowError::ComputeError(message));
    }
    let places = Int64Array::new(places.finish().into(), None);
    let values = with_type(&take(views.values(), &places, None)?, element.data_type())?;
    let offsets = OffsetBuffer::<Offset>::from_lengths(lengths);
    let nulls = views.nulls().cloned();
    GenericListArray::try_new(Arc::clone(element), offsets, values, nulls).map(arc)
}

fn without_runs(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let array = array.as_ref();
    let (values, places): (&ArrayRef, Vec<usize>) = downcast_run_array!(
        array => {
            let rows: Vec<_> = (0..array.len()).collect();
            (array.values(), rows.into_iter().map(|row| array.get_physical_index(row)).collect())
        },
        data_type => return Err(unknown(data_type, data_type))
    );
    let places = places.into_iter().map(|place| i64::try_from(place).unwrap_or(i64::MAX));
    take(values, &Int64Array::from_iter_values(places), None)
}

fn arc(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}

fn unknown(from: &DataType, to: &DataType) -> ArrowError {
    ArrowError::CastError(format!("values of the type {from} cannot be stored as {to}"))
}

#[cfg(test)]
mod tests {
    use arrow_array::{
        Date32Array, Date64Array, Decimal32Array, Decimal64Array, DictionaryArray, Int8Array,
        Int32Array, ListViewArray, RunArray, Time32SecondArray, TimestampMillisecondArray,
        TimestampSecondArray, types::Int8Type,
    };
    use arrow_buffer::{NullBuffer, ScalarBuffer};
    use arrow_schema::Field;

    use super::*;

    /// Flat arrays of five rows, each with a type for its values.
    fn flat_arrays() -> Vec<(ArrayRef, DataType)> {
        let texts = || [Some("a"), None, Some("a text longer than a view"), Some(""), Some("b")];
        let keys = || Int8Array::from(vec![Some(2), Some(0), None, Some(1), Some(2)]);
        let views: ArrayRef = arc(arrow_array::StringViewArray::from_iter(texts()));
        let dictionary = || arc(DictionaryArray::<Int8Type>::new(keys(), Arc::clone(&views)));
        let dictionary_of =
            |values: DataType| DataType::Dictionary(Box::new(DataType::Int8), Box::new(values));
        let bytes = texts().map(|text| text.map(str::as_bytes));
        let bytes: ArrayRef = arc(arrow_array::BinaryViewArray::from_iter(bytes));
        let ends = Int32Array::from(vec![1, 4, 5]);
        let runs = RunArray::try_new(&ends, &Int32Array::from(vec![Some(7), None, Some(9)]));
        let bytes_in_dictionary = DictionaryArray::<Int8Type>::new(keys(), Arc::clone(&bytes));
        let seconds = vec![Some(0), None, Some(-1), Some(i64::MAX), Some(5)];
        let days = [Some(0), None, Some(-1), Some(86_400_001), Some(i64::MAX)];
        let zone = || Some(Arc::from("UTC"));
        let timestamps = |unit| DataType::Timestamp(unit, zone());
        vec![
            (views.clone(), DataType::Utf8),
            (bytes, DataType::Binary),
            (dictionary(), dictionary_of(DataType::Utf8)),
            (dictionary(), DataType::Utf8),
            (arc(bytes_in_dictionary), dictionary_of(DataType::Binary)),
            (arc(runs.unwrap()), DataType::Int32),
            (
                arc(Decimal32Array::from(vec![Some(1), None, Some(-2), Some(99), Some(0)])
                    .with_precision_and_scale(9, 2)
                    .unwrap()),
                DataType::Decimal128(9, 2),
            ),
            (
                arc(Decimal64Array::from(vec![Some(1), None, Some(-2), Some(99), Some(0)])
                    .with_precision_and_scale(18, 2)
                    .unwrap()),
                DataType::Decimal128(18, 2),
            ),
            (arc(Date64Array::from(days.to_vec())), DataType::Date32),
            (
                arc(Date32Array::from(vec![Some(0), None, Some(-1), Some(i32::MAX), Some(1)])),
                DataType::Date64,
            ),
            (
                arc(Time32SecondArray::from(vec![Some(0), None, Some(7), Some(86_399), Some(1)])),
                DataType::Time32(TimeUnit::Millisecond),
            ),
            (
                arc(TimestampSecondArray::from(seconds).with_timezone_opt(zone())),
                timestamps(TimeUnit::Millisecond),
            ),
            (
                arc(TimestampMillisecondArray::from(vec![0, 999, -1, -1001, i64::MAX])
                    .with_timezone_opt(zone())),
                timestamps(TimeUnit::Second),
            ),
        ]
    }

    fn nullable(name: &str, data_type: &DataType) -> FieldRef {
        Arc::new(Field::new(name, data_type.clone(), true))
    }

    /// The array inside each nested type, with the type that the nested one becomes.
    fn nested(array: &ArrayRef, to: &DataType) -> Vec<(ArrayRef, DataType)> {
        let (item, element) = (nullable("item", array.data_type()), nullable("element", to));
        let nulls = Some(NullBuffer::from(vec![true, false, true]));
        let offsets = OffsetBuffer::<i32>::from_lengths([2, 1, 2]);
        let long = OffsetBuffer::<i64>::from_lengths([2, 1, 2]);
        let (starts, sizes) = (vec![3, 0, 1], vec![2, 5, 3]);
        let structs = || {
            let keys: ArrayRef = arc(Int32Array::from(vec![1, 2, 3, 4, 5]));
            let key = Arc::new(Field::new("key", DataType::Int32, false));
            let fields = Fields::from(vec![Arc::clone(&key), Arc::clone(&item)]);
            let columns = vec![keys, Arc::clone(array)];
            let to = Fields::from(vec![key, element.as_ref().clone().with_name("item").into()]);
            (StructArray::new(fields, columns, None), to)
        };
        let (entries, to_pairs) = structs();
        let entries_field =
            |fields: &DataType| Arc::new(Field::new("entries", fields.clone(), false));
        let map = MapArray::new(
            entries_field(entries.data_type()),
            offsets.clone(),
            entries,
            nulls.clone(),
            false,
        );
        let same = || Arc::clone(&item);
        let values = || Arc::clone(array);
        let views = |starts: Vec<i32>, sizes: Vec<i32>| {
            ListViewArray::new(
                same(),
                ScalarBuffer::from(starts),
                ScalarBuffer::from(sizes),
                values(),
                nulls.clone(),
            )
        };
        vec![
            (
                arc(GenericListArray::new(same(), offsets, values(), nulls.clone())),
                DataType::List(Arc::clone(&element)),
            ),
            (
                arc(GenericListArray::new(same(), long, values(), nulls.clone())),
                DataType::LargeList(Arc::clone(&element)),
            ),
            (
                arc(FixedSizeListArray::new(same(), 1, values(), None)),
                DataType::FixedSizeList(Arc::clone(&element), 1),
            ),
            (arc(views(starts, sizes)), DataType::List(Arc::clone(&element))),
            (arc(structs().0), DataType::Struct(structs().1)),
            (arc(map), DataType::Map(entries_field(&DataType::Struct(to_pairs)), false)),
        ]
    }

    fn assert_as_arrow_casts(array: &ArrayRef, to: &DataType) {
        let ours = with_type(array, to).unwrap();
        let theirs = arrow_cast::cast(array, to).unwrap();
        assert_eq!(ours.data_type(), to);
        assert_eq!(&ours, &theirs, "{} as {to}", array.data_type());
    }

    #[test]
    fn converted_values_equal_those_of_arrow_cast() {
        for (array, to) in flat_arrays() {
            for array in [Arc::clone(&array), array.slice(1, 3), array.slice(2, 0)] {
                assert_as_arrow_casts(&array, &to);
            }
            for (outer, to) in nested(&array, &to) {
                assert_as_arrow_casts(&outer, &to);
                assert_as_arrow_casts(&outer.slice(1, 2), &to);
                for (outer, to) in nested(&with_five_rows(&outer), &to) {
                    assert_as_arrow_casts(&outer, &to);
                }
            }
        }
    }

    fn with_five_rows(array: &ArrayRef) -> ArrayRef {
        take(array, &Int32Array::from(vec![Some(2), Some(0), None, Some(1), Some(1)]), None)
            .unwrap()
    }

    #[test]
    fn unsupported_pairs_of_types_are_rejected() {
        let array: ArrayRef = arc(Int32Array::from(vec![1]));
        let error = with_type(&array, &DataType::Utf8).unwrap_err().to_string();
        assert!(error.contains("values of the type Int32 cannot be stored as Utf8"), "{error}");
    }
}
