//! What the commit gate itself costs: a plan of files, each sent at once and committed in turn.

use std::collections::VecDeque;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sutro::{
    config::{CONCURRENCY, MAX_HELD, MAX_RETRIES},
    upload::commit::{Action, CommitConfig, Ending, Event, Order, strategy},
};

/// Answers each action with what a good service makes of it, until the run is over.
fn drive(files: usize, order: Order) {
    let config =
        CommitConfig { concurrency: CONCURRENCY, max_held: MAX_HELD, max_retries: MAX_RETRIES };
    let mut gate = strategy(Mode::Uploads(order), config);
    let mut requests = vec![None; files];
    let mut events = VecDeque::from([Event::Planned(files), Event::PlanEnded]);
    while let Some(event) = events.pop_front() {
        for action in gate.on(event) {
            match action {
                Action::Start(request) => {
                    requests[request.file] = Some(request);
                    events.extend([Event::Started(request), Event::TailReached(request)]);
                }
                Action::Release(file) => {
                    let request = requests[file].unwrap();
                    events.push_back(Event::Ended(request, Ending::Accepted));
                }
                Action::Finish(stop) => {
                    assert_eq!((stop, gate.head()), (None, files));
                    return;
                }
                _ => {}
            }
        }
    }
    panic!("the run did not end");
}

fn plans(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gate");
    for files in [1_000, 10_000] {
        group.throughput(Throughput::Elements(files as u64));
        for (name, order) in [("ordered", Order::Planned), ("unordered", Order::Any)] {
            group.bench_function(format!("{files} files, {name}"), |bencher| {
                bencher.iter(|| drive(files, order));
            });
        }
    }
}

criterion_group!(gate, plans);
criterion_main!(gate);
