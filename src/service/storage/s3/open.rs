//! Opens a place, and checks that objects can be written, read and deleted in it.

use std::{sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, Error as StoreError, ObjectStore, ObjectStoreExt, PutOptions,
    PutPayload, RetryConfig, aws::AmazonS3, multipart::MultipartStore, path::Path,
};
use tokio::time::timeout;
use uuid::Uuid;

use super::{health::Health, part_memory::PartMemory, place::S3Place, store::S3Store};
use crate::{
    error::{Error, Result},
    object_stores::{Connector, words},
};

/// How long a start waits for a store that is starting too.
const PATIENCE: Duration = Duration::from_secs(20);
const PROBE: &[u8] = b"sutro";
const CONTENT_TYPE: &str = "application/vnd.apache.parquet";

/// The store of a place, for a reader that checks nothing, and the prefix in it.
pub(in super::super) fn open_to_read(place: &S3Place) -> Result<(Arc<dyn ObjectStore>, Path)> {
    Ok((Arc::new(build(place)?), place.prefix.clone()))
}

fn cannot(place: &S3Place, why: &str) -> Error {
    Error::configuration(format!("cannot store files in {place}: {why}"))
}

fn build(place: &S3Place) -> Result<AmazonS3> {
    let time = place.settings.timeout;
    place
        .settings
        .builder()?
        .with_bucket_name(&place.bucket)
        .with_client_options(ClientOptions::new().with_default_content_type(CONTENT_TYPE))
        .with_http_connector(Connector::new(time)?)
        .with_disable_bulk_delete(true)
        .with_retry(RetryConfig {
            backoff: BackoffConfig {
                max_backoff: Duration::from_secs(2),
                ..BackoffConfig::default()
            },
            max_retries: usize::MAX,
            retry_timeout: time,
        })
        .build()
        .map_err(|error| cannot(place, &words(&error)))
}

pub(super) async fn open(place: &S3Place) -> Result<S3Store> {
    let store = S3Store {
        s3: build(place)?,
        prefix: place.prefix.clone(),
        memory: PartMemory::default(),
        health: Health::default(),
    };
    match timeout(PATIENCE, probe(&store)).await {
        Ok(Ok(true)) => Ok(store),
        Ok(Ok(false)) => Err(cannot(place, "it returns bytes that differ from those written")),
        Ok(Err(error)) => Err(cannot(place, &advice(&error))),
        Err(_) => {
            let why = format!(
                "it does not respond within {} s; check the endpoint (AWS_ENDPOINT_URL), and that \
                 there are credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)",
                PATIENCE.as_secs()
            );
            Err(cannot(place, &why))
        }
    }
}

/// Uses all permissions that a server needs. Returns whether the bytes are the same.
async fn probe(store: &S3Store) -> object_store::Result<bool> {
    let path = store.path(&format!("probe_{}", Uuid::new_v4().simple()));
    let s3 = &store.s3;
    s3.put_opts(&path, PutPayload::from_static(PROBE), PutOptions::default()).await?;
    let read = s3.get_range(&path, 0..PROBE.len() as u64 - 1).await?;
    s3.delete(&path).await?;
    let multipart = s3.create_multipart(&path).await?;
    s3.abort_multipart(&path, &multipart).await?;
    Ok(read == PROBE[..PROBE.len() - 1])
}

fn advice(error: &StoreError) -> String {
    let words = words(error);
    let advice = match error {
        StoreError::NotFound { .. } => "create the bucket, or check its name",
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
            "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that the key may get, put and \
             delete objects and abort multipart uploads"
        }
        _ if words.contains("/latest/api/token") => {
            "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        }
        _ if words.contains("non-partial response") => "it does not support ranges of bytes",
        _ if words.contains("NotImplemented") => {
            "if the store does not support checksums, set the option checksum_algorithm=none"
        }
        _ if words.contains("redirect without LOCATION") || words.contains("region") => {
            "set AWS_REGION to the region of the bucket"
        }
        _ => "check the endpoint (AWS_ENDPOINT_URL) and the region (AWS_REGION)",
    };
    format!("{advice} ({words})")
}
