//! The comparison: a stack of cgotrace's against what a judge saw at the same hit.

use super::judge::{Judged, Seen};
use super::place::Place;
use super::trace::{Row, Stack};
use std::collections::{BTreeMap, BTreeSet};

/// What became of one hit.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// Every physical frame is the judge's, down to the same bottom.
    Exact,
    /// What is there is true; the rest is missing, and said to be.
    Gap(String),
    Wrong,
}

/// The hits of one run, counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) exact: usize,
    /// How many of the exact ones the judge saw a part of only.
    pub(super) partly: usize,
    /// By reason.
    pub(super) gaps: BTreeMap<String, usize>,
    /// What is said of each wrong one.
    pub(super) wrong: Vec<String>,
}

impl Tally {
    /// How many stacks were compared.
    pub(super) fn compared(&self) -> usize {
        self.exact + self.gaps.values().sum::<usize>() + self.wrong.len()
    }
}

/// Compares one with one. Where the judge's frames are not the whole stack, what lies below them
/// is not judged.
fn compare(stack: &Stack, judged: &Judged) -> Verdict {
    // How many of the judge's frames the rows so far may stand for.
    let frames = &judged.frames;
    let mut reached = BTreeSet::from([0]);
    pass_over(frames, &mut reached);
    let mut unjudged = false;
    for row in &stack.rows {
        unjudged |= !judged.whole && reached.contains(&frames.len());
        reached = match row {
            Row::Frame(place) => {
                let next = reached.iter().filter(|at| is(frames.get(**at), place));
                next.map(|at| at + 1).collect()
            }
            Row::Gap(_) => {
                let first = reached.first().copied().unwrap_or(usize::MAX);
                (first..=frames.len()).collect()
            }
        };
        pass_over(frames, &mut reached);
    }
    let cut = !stack.complete && matches!(stack.end.as_str(), "limit" | "error");
    let fits = unjudged || reached.contains(&frames.len()) || cut && !reached.is_empty();
    match (fits, stack.complete) {
        (false, _) => Verdict::Wrong,
        (true, true) => Verdict::Exact,
        (true, false) if stack.problems.is_empty() => Verdict::Gap(stack.end.clone()),
        (true, false) => Verdict::Gap(stack.problems.join(", ")),
    }
}

/// Passes over the frames that may be missing.
fn pass_over(frames: &[Seen], reached: &mut BTreeSet<usize>) {
    for (at, seen) in frames.iter().enumerate() {
        if matches!(seen, Seen::Perhaps(_)) && reached.contains(&at) {
            reached.insert(at + 1);
        }
    }
}

fn is(seen: Option<&Seen>, place: &Place) -> bool {
    match seen {
        Some(Seen::Frame(here)) => here == place,
        Some(Seen::Perhaps(places)) => places.contains(place),
        None => false,
    }
}

/// Gives each of the judge's stacks one of cgotrace's. Threads may arrive in another order, so an
/// exact one is looked for among all that are left.
pub(super) fn tally(stacks: &[Stack], judged: &[Judged]) -> Tally {
    let mut tally = Tally::default();
    let mut left: Vec<&Stack> = stacks.iter().collect();
    let mut rest = Vec::new();
    for one in judged {
        match left.iter().position(|stack| compare(stack, one) == Verdict::Exact) {
            Some(at) => {
                left.remove(at);
                tally.exact += 1;
                tally.partly += usize::from(!one.whole);
            }
            None => rest.push(one),
        }
    }
    for one in rest {
        let gap = left.iter().enumerate().find_map(|(at, stack)| match compare(stack, one) {
            Verdict::Gap(reasons) => Some((at, reasons)),
            _ => None,
        });
        if let Some((at, reasons)) = gap {
            left.remove(at);
            *tally.gaps.entry(reasons).or_default() += 1;
        } else {
            let nearest = left.iter().max_by_key(|stack| agreement(stack, one));
            tally.wrong.push(difference(nearest.copied(), one));
        }
    }
    tally
}

/// How many frames from the innermost on are equal.
fn agreement(stack: &Stack, judged: &Judged) -> usize {
    let pairs = stack.rows.iter().zip(&judged.frames);
    pairs.take_while(|(row, seen)| matches!(row, Row::Frame(here) if is(Some(seen), here))).count()
}

fn difference(nearest: Option<&Stack>, judged: &Judged) -> String {
    let Some(stack) = nearest else {
        let frames: Vec<_> = judged.frames.iter().map(ToString::to_string).collect();
        return format!("cgotrace has no stack for this one: {}", frames.join(" "));
    };
    let at = agreement(stack, judged);
    let mut text = format!("the nearest stack differs from frame {at} on (ours, the judge's):");
    for number in at.saturating_sub(2)..stack.shown.len().max(judged.frames.len()).min(at + 6) {
        let ours = stack.shown.get(number).map_or("-", String::as_str);
        let theirs = judged.frames.get(number).map_or("-".to_owned(), ToString::to_string);
        text += &format!("\n    {number:>3}  {ours:<60}  {theirs}");
    }
    text += &format!("\n    ends by {}: {:?}", stack.end, stack.problems);
    text
}

/// Compares with Go's own `runtime.Callers`, which the program printed by function names.
pub(super) fn tally_callers(stacks: &[Stack], output: &str) -> Tally {
    let mut tally = Tally::default();
    let names: Vec<Vec<&str>> = stacks
        .iter()
        .map(|stack| {
            let mut names: Vec<_> =
                stack.go_names.iter().map(String::as_str).filter(is_told).collect();
            // Up to Go 1.26 its wrapper has the same name, and Go hides wrappers.
            names.dedup_by(|a, b| a == b && *a == "runtime.cgocallbackg");
            names
        })
        .collect();
    let mut left: Vec<&[&str]> = names.iter().map(Vec::as_slice).collect();
    for line in output.lines() {
        let Some(callers) = line.strip_prefix("CALLERS ") else { continue };
        let callers: Vec<&str> = callers.split(' ').filter(is_told).collect();
        match left.iter().position(|names| names.ends_with(&callers)) {
            Some(at) => {
                left.remove(at);
                tally.exact += 1;
            }
            None => tally.wrong.push(format!("no stack has Go's own callers: {callers:?}")),
        }
    }
    tally
}

/// Whether Go's traceback shows a function at every crossing: it hides some of the runtime's.
fn is_told(name: &&str) -> bool {
    let name = name.strip_suffix(".abi0").unwrap_or(name);
    !matches!(
        name,
        "runtime.asmcgocall" | "runtime.cgocallback" | "runtime.systemstack_switch" | "crosscall2"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn place(offset: u64) -> Place {
        Place { module: "app".into(), offset }
    }

    /// A stack; 0 stands for a gap.
    fn stack(rows: &[u64], end: &str) -> Stack {
        let gap = rows.contains(&0);
        let row = |offset: &u64| match offset {
            0 => Row::Gap("no-unwind-rule".into()),
            _ => Row::Frame(place(*offset)),
        };
        Stack {
            rows: rows.iter().map(row).collect(),
            end: end.into(),
            complete: end == "goexit" && !gap,
            problems: if gap { vec!["no-unwind-rule".into()] } else { Vec::new() },
            go_names: Vec::new(),
            shown: Vec::new(),
        }
    }

    fn judged(frames: &[u64], whole: bool) -> Judged {
        Judged { frames: frames.iter().copied().map(place).map(Seen::Frame).collect(), whole }
    }

    fn verdict(rows: &[u64], end: &str, frames: &[u64], whole: bool) -> Verdict {
        compare(&stack(rows, end), &judged(frames, whole))
    }

    #[test]
    fn only_the_same_frames_are_exact() {
        assert_eq!(verdict(&[1, 2, 3], "goexit", &[1, 2, 3], true), Verdict::Exact);
        for other in [&[1, 2][..], &[1, 2, 3, 4], &[1, 3], &[2, 3], &[1, 4, 3], &[]] {
            assert_eq!(verdict(other, "goexit", &[1, 2, 3], true), Verdict::Wrong, "{other:?}");
        }
    }

    #[test]
    fn a_gap_stands_for_any_frames_and_hides_no_wrong_one() {
        let gap = Verdict::Gap("no-unwind-rule".into());
        assert_eq!(verdict(&[1, 0, 4], "goexit", &[1, 2, 3, 4], true), gap);
        assert_eq!(verdict(&[1, 0, 3, 4], "goexit", &[1, 2, 3, 4], true), gap);
        assert_eq!(verdict(&[1, 0, 5], "goexit", &[1, 2, 3, 4], true), Verdict::Wrong);
        assert_eq!(verdict(&[1, 0, 3], "goexit", &[1, 2, 3, 4], true), Verdict::Wrong);
        assert_eq!(verdict(&[2, 0, 4], "goexit", &[1, 2, 3, 4], true), Verdict::Wrong);
    }

    #[test]
    fn a_stack_cut_short_is_a_start() {
        assert_eq!(verdict(&[1, 2], "limit", &[1, 2, 3], true), Verdict::Gap("limit".into()));
        assert_eq!(verdict(&[1, 3], "limit", &[1, 2, 3], true), Verdict::Wrong);
        assert_eq!(verdict(&[1, 2, 3, 4], "error", &[1, 2, 3], true), Verdict::Wrong);
    }

    #[test]
    fn what_the_judge_does_not_see_is_not_judged() {
        assert_eq!(verdict(&[1, 2, 9], "goexit", &[1, 2], false), Verdict::Exact);
        assert_eq!(verdict(&[1, 2], "goexit", &[1, 2], false), Verdict::Exact);
        assert_eq!(verdict(&[1], "goexit", &[1, 2], false), Verdict::Wrong);
        assert_eq!(verdict(&[1, 3, 9], "goexit", &[1, 2], false), Verdict::Wrong);
    }

    #[test]
    fn a_frame_that_may_be_missing_is_one_frame_only() {
        let mut crossing = judged(&[1, 2, 3], true);
        crossing.frames[1] = Seen::Perhaps(Arc::new(BTreeSet::from([place(2)])));
        let verdict = |rows| compare(&stack(rows, "goexit"), &crossing);
        assert_eq!(verdict(&[1, 2, 3]), Verdict::Exact);
        assert_eq!(verdict(&[1, 3]), Verdict::Exact);
        assert_eq!(verdict(&[1, 4, 3]), Verdict::Wrong);
        assert_eq!(verdict(&[1, 2, 2, 3]), Verdict::Wrong);
    }

    #[test]
    fn each_stack_is_taken_once() {
        let stacks = [stack(&[1, 2], "goexit"), stack(&[1, 3], "goexit")];
        let both = [judged(&[1, 3], true), judged(&[1, 2], true)];
        assert_eq!(tally(&stacks, &both).exact, 2);
        let twice = [judged(&[1, 3], true), judged(&[1, 3], true)];
        let tally = tally(&stacks, &twice);
        assert_eq!((tally.exact, tally.wrong.len()), (1, 1));
    }

    #[test]
    fn callers_are_the_end_of_the_go_frames() {
        let mut one = stack(&[1], "goexit");
        one.go_names = ["runtime.asmcgocall", "main.f", "runtime.cgocallback", "main.main"]
            .map(str::to_owned)
            .to_vec();
        let stacks = [one];
        assert_eq!(tally_callers(&stacks, "x\nCALLERS main.f main.main\n").exact, 1);
        assert_eq!(tally_callers(&stacks, "CALLERS main.g main.main\n").wrong.len(), 1);
        assert_eq!(tally_callers(&stacks, "CALLERS main.f\n").wrong.len(), 1);
    }
}
