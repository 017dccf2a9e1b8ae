//! Every history of up to five writes, rejected, failed and cancelled in all ways, and then a kill:
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
    commit_staged::Committed,
    contract::{
        CATALOG_FILE, commit_new_files, committed_files, data_schema, fail_next, new_file,
        open_folder, sqlite_writer,
    },
    error::StorageError,
    sqlite::faults::Fault,
    staged_totals::{Quota, StagedTotals},
    staging::{NewStaged, SchemaText, Staged, StagedSchema},
    writes::{Appended, Created},
};

/// `SUTRO_HISTORY_STEPS` has another number.
const STEPS: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Accepted,
    NameTaken,
    SchemaDiffers,
    DiskFull,
    FailedSync,
    GivenUp,
    FailedCreate,
    Staged,
    StagedOnFullDisk,
    StagedAndGivenUp,
    Committed,
    CommittedAgain,
    CommitFailedSync,
    CommitGivenUp,
}

const APPENDS: [Step; 7] = [
    Step::Accepted,
    Step::NameTaken,
    Step::SchemaDiffers,
    Step::DiskFull,
    Step::FailedSync,
    Step::GivenUp,
    Step::FailedCreate,
];

const STAGING: [Step; 7] = [
    Step::Staged,
    Step::StagedOnFullDisk,
    Step::StagedAndGivenUp,
    Step::Committed,
    Step::CommittedAgain,
    Step::CommitFailedSync,
    Step::CommitGivenUp,
];

/// The `index`th history of so many of these steps.
fn history(all: &[Step], mut index: usize, steps: usize) -> Vec<Step> {
    let mut history = Vec::new();
    for _ in 0..steps {
        history.push(all[index % all.len()]);
        index /= all.len();
    }
    history
}

/// A folder in memory if there is one: the syncs of a disk would take most of the time.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

struct Run {
    catalog: Catalog,
    folder: TempDir,
    acknowledged: Vec<String>,
    staged: Vec<String>,
    /// How many files there were before the last commit of staged files, and which it was.
    last_commit: Option<(u64, Vec<String>)>,
}

/// The contents that a server finds in its folder.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    names: Vec<String>,
    datasets: usize,
    staged: StagedTotals,
    /// Whether all that is staged can be committed.
    can_commit: bool,
}

impl Run {
    /// On a copy of a catalog with the dataset `d`, which has the file `first`.
    async fn begin(seed: &Path) -> Self {
        let folder = folder();
        fs::copy(seed.join(CATALOG_FILE), folder.path().join(CATALOG_FILE)).unwrap();
        let catalog = open_folder(folder.path()).await;
        Self::on(catalog, folder, vec!["first".to_owned()])
    }

    fn on(catalog: Catalog, folder: TempDir, acknowledged: Vec<String>) -> Self {
        Self { catalog, folder, acknowledged, staged: Vec::new(), last_commit: None }
    }

    async fn stage(&self, name: &str) -> Result<Staged, StorageError> {
        let staged = NewStaged {
            owner: String::new(),
            dataset_id: "d".to_owned(),
            file: new_file(name),
            schema: StagedSchema::Own(SchemaText::of(&data_schema("a"))),
            expires_at: i64::MAX,
        };
        self.catalog.stage(staged, Quota { max_files: 100, max_bytes: 1_000 }).await
    }

    async fn commit(&self, expected: u64, names: &[String]) -> Result<Committed, StorageError> {
        commit_new_files(&self.catalog, expected, names).await
    }

    /// How many files there are, and all that are staged: one more, if there are none.
    async fn next_commit(&mut self, name: &str) -> Result<(u64, Vec<String>), String> {
        if self.staged.is_empty() {
            match self.stage(name).await {
                Ok(Staged::Done) => self.staged.push(name.to_owned()),
                told => return Err(format!("{told:?}")),
            }
        }
        Ok((self.acknowledged.len() as u64, self.staged.clone()))
    }

    fn acknowledge_commit(&mut self, expected: u64, names: Vec<String>) {
        self.acknowledged.extend(names.iter().cloned());
        self.staged.clear();
        self.last_commit = Some((expected, names));
    }

    async fn append(&self, name: &str, column: &str) -> Result<Appended, StorageError> {
        self.catalog.append("d", &data_schema(column), &[new_file(name)]).await
    }

    /// An error contains the actual and the expected result.
    async fn step(&mut self, step: Step, name: &str) -> Result<(), String> {
        if STAGING.contains(&step) {
            return self.step_of_staging(step, name).await;
        }
        let faults = &sqlite_writer(&self.catalog).faults;
        let fail_next = |fault| fail_next(&self.catalog, fault);
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
                let reopened = sqlite_writer(&self.catalog).reopen().await;
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
            _ => "not a step of appends".to_owned(),
        };
        Err(told)
    }

    async fn step_of_staging(&mut self, step: Step, name: &str) -> Result<(), String> {
        let told = match step {
            Step::Staged => match self.stage(name).await {
                Ok(Staged::Done) => {
                    self.staged.push(name.to_owned());
                    return Ok(());
                }
                told => format!("{told:?}"),
            },
            Step::StagedOnFullDisk => {
                fail_next(&self.catalog, Fault::Full);
                match self.stage(name).await {
                    Err(StorageError::Full) => return Ok(()),
                    told => format!("{told:?}"),
                }
            }
            Step::StagedAndGivenUp => {
                fail_next(&self.catalog, Fault::Cancelled);
                tokio::select! {
                    told = self.stage(name) => format!("{told:?}"),
                    () = sqlite_writer(&self.catalog).faults.is_waiting.notified() => return Ok(()),
                }
            }
            Step::CommittedAgain if self.last_commit.is_some() => {
                let (expected, names) = self.last_commit.clone().unwrap();
                match self.commit(expected, &names).await {
                    Ok(Committed::Before(files)) if files == committed_files(&names) => {
                        return Ok(());
                    }
                    told => format!("{told:?}"),
                }
            }
            _ => {
                let (expected, names) = self.next_commit(name).await?;
                match step {
                    Step::CommitFailedSync => {
                        fail_next(&self.catalog, Fault::Sync);
                        let failed = self.commit(expected, &names).await;
                        let reopened = sqlite_writer(&self.catalog).reopen().await;
                        let (Err(StorageError::WriteFailed(_)), Ok(())) = (&failed, &reopened)
                        else {
                            return Err(format!("{failed:?}, {reopened:?}"));
                        };
                    }
                    Step::CommitGivenUp => {
                        fail_next(&self.catalog, Fault::Cancelled);
                        tokio::select! {
                            told = self.commit(expected, &names) => return Err(format!("{told:?}")),
                            () = sqlite_writer(&self.catalog).faults.is_waiting.notified() => return Ok(()),
                        }
                    }
                    _ => {}
                }
                match self.commit(expected, &names).await {
                    Ok(Committed::Done { files, .. }) if files == committed_files(&names) => {
                        self.acknowledge_commit(expected, names);
                        return Ok(());
                    }
                    told => format!("{told:?}"),
                }
            }
        };
        Err(told)
    }

    /// The contents that a server finds after a kill at this moment.
    async fn after_a_kill(&self) -> Found {
        let left = folder();
        // The journal first: with it, any later state of the catalog is rolled back.
        for file in [format!("{CATALOG_FILE}-journal"), CATALOG_FILE.to_owned()] {
            let copied = fs::copy(self.folder.path().join(&file), left.path().join(&file));
            assert!(copied.is_ok() || file != CATALOG_FILE, "{copied:?}");
        }
        let catalog = open_folder(left.path()).await;
        let records = catalog.upload_records("d").await.unwrap();
        let names = records.into_iter().map(|record| record.file_name).collect();
        let datasets = catalog.datasets(None).await.unwrap().len();
        let staged = catalog.staged_by("").await.unwrap();
        let count = self.acknowledged.len() as u64;
        let committed = commit_new_files(&catalog, count, &self.staged).await;
        let can_commit = matches!(committed, Ok(Committed::Done { .. }));
        catalog.close().await;
        Found { names, datasets, staged, can_commit }
    }

    fn expected(&self) -> Found {
        let files = self.staged.len() as u64;
        let staged = StagedTotals { files, bytes: 7 * files };
        Found { names: self.acknowledged.clone(), datasets: 1, staged, can_commit: true }
    }
}

async fn seed() -> TempDir {
    let seed = folder();
    let catalog = open_folder(seed.path()).await;
    let created = catalog.create_dataset(None, "d", None, 100).await;
    assert_eq!(created.unwrap(), Created::Done);
    let run = Run::on(catalog, folder(), Vec::new());
    assert_eq!(run.append("first", "a").await.unwrap(), Appended::Done);
    run.catalog.close().await;
    seed
}

async fn failure_of(seed: &Path, history: &[Step], is_mutant: bool) -> Option<String> {
    let mut run = Run::begin(seed).await;
    let keeps = &sqlite_writer(&run.catalog).faults.keeps_failed_connections;
    keeps.store(is_mutant, Ordering::Relaxed);
    for (index, &step) in history.iter().enumerate() {
        if let Err(told) = run.step(step, &format!("file-{index}")).await {
            return Some(format!("{history:?}, step {index}: {told}"));
        }
    }
    let (found, expected) = (run.after_a_kill().await, run.expected());
    let is_right = found == expected;
    let failure = format!("{history:?}: {expected:?} acknowledged, {found:?} found");
    run.catalog.close().await;
    (!is_right).then_some(failure)
}

/// The failures of all histories of up to `steps` of these steps, on two threads.
fn failures(all: &'static [Step], steps: usize, is_mutant: bool) -> Vec<String> {
    let histories = Arc::new(
        (1..=steps)
            .flat_map(|steps| {
                (0..all.len().pow(u32::try_from(steps).unwrap()))
                    .map(move |index| history(all, index, steps))
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
    assert_none(&failures(&APPENDS, steps(STEPS), false));
}

#[test]
fn after_every_history_of_staging_and_commits_and_a_kill_what_was_acknowledged_is_there() {
    assert_none(&failures(&STAGING, steps(STEPS - 1), false));
}

fn steps(otherwise: usize) -> usize {
    let steps = std::env::var("SUTRO_HISTORY_STEPS");
    steps.map_or(otherwise, |steps| steps.parse().unwrap())
}

fn assert_none(failures: &[String]) {
    assert!(
        failures.is_empty(),
        "{} failures: {:#?}",
        failures.len(),
        &failures[..failures.len().min(5)]
    );
}

/// A connection that is reused after an error loses its later writes.
#[test]
fn the_mutant_that_keeps_failed_connections_is_found() {
    for all in [&APPENDS, &STAGING] {
        let failures = failures(all, 3, true);
        let loses = |failure: &&String| failure.contains("acknowledged");
        assert!(failures.iter().any(|failure| loses(&failure)), "{failures:#?}");
    }
}
