//! The work queue: each task at most once, at its earliest time, first come first served.

use super::Task;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use tokio::time::Instant;

/// Tasks by the time they are due.
#[derive(Default)]
pub struct Queue {
    heap: BinaryHeap<Reverse<(Instant, u64, Task)>>,
    planned: HashMap<Task, Instant>,
    serial: u64,
}

impl Queue {
    /// Plans a task; an earlier plan stands.
    pub fn add(&mut self, task: Task, due: Instant) {
        if self
            .planned
            .get(&task)
            .is_some_and(|planned| *planned <= due)
        {
            return;
        }
        self.serial += 1;
        self.planned.insert(task.clone(), due);
        self.heap.push(Reverse((due, self.serial, task)));
    }

    /// The next task that is due.
    pub fn next(&mut self, now: Instant) -> Option<Task> {
        while let Some(Reverse((due, _, _))) = self.heap.peek() {
            if *due > now {
                return None;
            }
            let Reverse((due, _, task)) = self.heap.pop()?;
            // A plan that was moved forward leaves its old place behind.
            if self.planned.get(&task) == Some(&due) {
                self.planned.remove(&task);
                return Some(task);
            }
        }
        None
    }

    /// When the next task is due.
    pub fn due(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((due, _, _))| *due)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Role;
    use super::*;
    use crate::resource::Kind;
    use crate::store::Key;
    use std::time::Duration;

    #[test]
    fn a_task_stands_once_at_its_earliest_time() {
        let now = Instant::now();
        let task = |name: &str| Task {
            role: Role::Pod,
            key: Key::new(Kind::Pod, "n", name),
        };
        let mut queue = Queue::default();
        queue.add(task("a"), now + Duration::from_secs(5));
        queue.add(task("a"), now);
        queue.add(task("b"), now);
        queue.add(task("a"), now + Duration::from_secs(1));
        assert_eq!(queue.next(now), Some(task("a")));
        assert_eq!(queue.next(now), Some(task("b")));
        assert_eq!(queue.next(now + Duration::from_secs(9)), None);
    }
}
