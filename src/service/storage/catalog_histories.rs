//! Every history of up to five writes, refused, failed and given up in all ways, and then a kill:
//! what was acknowledged is there, and nothing else.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use tempfile::TempDir;

use super::{
    catalog::Catalog,
    contract::{data_schema, new_file},
    error::StorageError,
    sqlite::{CATALOG_FILE, faults::Fault},
    writes::{Appended, Created},
};

/// `SUTRO_HISTORY_STEPS` has another number.
const STEPS: usize = 5;

#[derive(Clone, Copy, Debug)]
enum Step {
    Accepted,
    NameTaken,
    SchemaDiffers,
    DiskFull,
    FailedSync,
    GivenUp,
    FailedCreate,
}

const ALL: [Step; 7] = [
    Step::Accepted,
    Step::NameTaken,
    Step::SchemaDiffers,
    Step::DiskFull,
    Step::FailedSync,
    Step::GivenUp,
    Step::FailedCreate,
];

/// The `index`th history of so many steps.
fn history(mut index: usize, steps: usize) -> Vec<Step> {
    let mut history = Vec::new();
    for _ in 0..steps {
        history.push(ALL[index % ALL.len()]);
        index /= ALL.len();
    }
    history
}

/// A folder in memory where there is one: the syncs of a disk would take most of the time.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

struct Run {
    catalog: Catalog,
    folder: TempDir,
    acknowledged: Vec<String>,
}

impl Run {
    /// On a copy of a catalog with the dataset `d`, which has the file `first`.
    async fn begin(seed: &Path) -> Self {
        let folder = folder();
        fs::copy(seed.join(CATALOG_FILE), folder.path().join(CATALOG_FILE)).unwrap();
        let catalog = Catalog::open(folder.path()).await.unwrap();
        Self { catalog, folder, acknowledged: vec!["first".to_owned()] }
    }

    async fn append(&self, name: &str, column: &str) -> Result<Appended, StorageError> {
        self.catalog.append("d", &data_schema(column), &[new_file(name)]).await
    }

    /// An error says what was answered instead of what should be.
    async fn step(&mut self, step: Step, name: &str) -> Result<(), String> {
        let faults = &self.catalog.writer.faults;
        let fail_next = |fault| *faults.next.lock().unwrap() = Some(fault);
        let told = match step {
            Step::Accepted => {
                let told = self.append(name, "a").await;
                if matches!(told, Ok(Appended::Done)) {
                    self.acknowledged.push(name.to_owned());
                    return Ok(());
                }
                format!("{told:?}")
            }
            Step::NameTaken => match self.append("first", "a").await {
                Ok(Appended::NameTaken(_)) => return Ok(()),
                told => format!("{told:?}"),
            },
            Step::SchemaDiffers => match self.append(name, "b").await {
                Ok(Appended::SchemaDiffers(_)) => return Ok(()),
                told => format!("{told:?}"),
            },
            Step::DiskFull => {
                fail_next(Fault::Full);
                match self.append(name, "a").await {
                    Err(StorageError::Full) => return Ok(()),
                    told => format!("{told:?}"),
                }
            }
            Step::FailedSync => {
                fail_next(Fault::Sync);
                let failed = self.append(name, "a").await;
                let refused = self.append(name, "a").await;
                let reopened = self.catalog.writer.reopen().await;
                match (&failed, &refused, &reopened) {
                    (
                        Err(StorageError::WriteFailed(_)),
                        Err(StorageError::WritesStopped),
                        Ok(()),
                    ) => return Ok(()),
                    told => format!("{told:?}"),
                }
            }
            Step::GivenUp => {
                fail_next(Fault::Cancelled);
                tokio::select! {
                    told = self.append(name, "a") => format!("{told:?}"),
                    () = faults.is_waiting.notified() => return Ok(()),
                }
            }
            Step::FailedCreate => {
                fail_next(Fault::Full);
                match self.catalog.create_dataset(None, name, None, 100).await {
                    Err(StorageError::Full) => return Ok(()),
                    told => format!("{told:?}"),
                }
            }
        };
        Err(told)
    }

    /// What a service finds that is started on the folder as a kill leaves it at this moment.
    async fn after_a_kill(&self) -> (Vec<String>, usize) {
        let left = folder();
        // The journal first: with it, any later state of the catalog is rolled back.
        for file in [format!("{CATALOG_FILE}-journal"), CATALOG_FILE.to_owned()] {
            let copied = fs::copy(self.folder.path().join(&file), left.path().join(&file));
            assert!(copied.is_ok() || file != CATALOG_FILE, "{copied:?}");
        }
        let catalog = Catalog::open(left.path()).await.unwrap();
        let records = catalog.upload_records("d").await.unwrap();
        let names = records.into_iter().map(|record| record.file_name).collect();
        let datasets = catalog.datasets(None).await.unwrap().len();
        catalog.close().await;
        (names, datasets)
    }
}

async fn seed() -> TempDir {
    let seed = folder();
    let catalog = Catalog::open(seed.path()).await.unwrap();
    let created = catalog.create_dataset(None, "d", None, 100).await;
    assert_eq!(created.unwrap(), Created::Done);
    let run = Run { catalog, folder: folder(), acknowledged: Vec::new() };
    assert_eq!(run.append("first", "a").await.unwrap(), Appended::Done);
    run.catalog.close().await;
    seed
}

async fn failure_of(seed: &Path, history: &[Step], is_mutant: bool) -> Option<String> {
    let mut run = Run::begin(seed).await;
    let keeps = &run.catalog.writer.faults.keeps_failed_connections;
    keeps.store(is_mutant, Ordering::Relaxed);
    for (index, &step) in history.iter().enumerate() {
        if let Err(told) = run.step(step, &format!("file-{index}")).await {
            return Some(format!("{history:?}, step {index}: {told}"));
        }
    }
    let found = run.after_a_kill().await;
    let is_right = found == (run.acknowledged.clone(), 1);
    let failure = format!("{history:?}: {:?} acknowledged, {found:?} found", run.acknowledged);
    run.catalog.close().await;
    (!is_right).then_some(failure)
}

/// The failures of all histories of up to `steps` steps, on two threads.
fn failures(steps: usize, is_mutant: bool) -> Vec<String> {
    let histories = Arc::new(
        (1..=steps)
            .flat_map(|steps| {
                (0..ALL.len().pow(u32::try_from(steps).unwrap()))
                    .map(move |index| history(index, steps))
            })
            .collect::<Vec<_>>(),
    );
    let next = Arc::new(AtomicUsize::new(0));
    let worker = || {
        let (histories, next) = (Arc::clone(&histories), Arc::clone(&next));
        thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let seed = seed().await;
                let mut failures = Vec::new();
                while let Some(history) = histories.get(next.fetch_add(1, Ordering::Relaxed)) {
                    failures.extend(failure_of(seed.path(), history, is_mutant).await);
                }
                failures
            })
        })
    };
    let workers = [worker(), worker()];
    workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
}

#[test]
fn after_every_history_of_writes_and_a_kill_what_was_acknowledged_is_there_and_nothing_else() {
    let steps = std::env::var("SUTRO_HISTORY_STEPS");
    let steps = steps.map_or(STEPS, |steps| steps.parse().unwrap());
    let failures = failures(steps, false);
    assert!(
        failures.is_empty(),
        "{} failures: {:#?}",
        failures.len(),
        &failures[..failures.len().min(5)]
    );
}

/// A connection that is used again after an error loses what it is asked to write.
#[test]
fn a_failed_connection_that_is_kept_is_found_by_the_histories() {
    let failures = failures(3, true);
    let loses = |failure: &&String| failure.contains("acknowledged");
    assert!(failures.iter().any(|failure| loses(&failure)), "{failures:#?}");
}
