//! Counts by stack in bounded memory: numbers for what stacks are made of, and a tree in which
//! stacks share their common beginnings.

use std::borrow::Borrow;
use std::hash::Hash;

use rustc_hash::FxHashMap;

/// Numbers from 0 for values, each value held once.
#[derive(Debug)]
pub(super) struct Interner<K> {
    numbers: FxHashMap<K, u32>,
    values: Vec<K>,
    most: usize,
}

impl<K> Interner<K> {
    /// So many names, files or places are told apart.
    pub(super) const MOST: usize = 1 << 18;

    /// Has no value yet, and will have at most so many.
    pub(super) fn new(most: usize) -> Self {
        Self { numbers: FxHashMap::default(), values: Vec::new(), most }
    }
}

impl<K: Clone + Eq + Hash> Interner<K> {
    /// The number of a value that was seen before.
    pub(super) fn known<Q: Eq + Hash + ?Sized>(&self, value: &Q) -> Option<u32>
    where
        K: Borrow<Q>,
    {
        self.numbers.get(value).copied()
    }

    /// The number of a value; `None` for a new one that is one too many.
    pub(super) fn number_of(&mut self, value: K) -> Option<u32> {
        if let Some(number) = self.numbers.get(&value) {
            return Some(*number);
        }
        if self.values.len() >= self.most {
            return None;
        }
        self.add(value)
    }

    /// The number of a value that is new, and of the few that are beyond the limit.
    pub(super) fn add(&mut self, value: K) -> Option<u32> {
        let number = u32::try_from(self.values.len()).ok()?;
        self.values.push(value.clone());
        self.numbers.insert(value, number);
        Some(number)
    }

    /// The value with a number that was given out.
    pub(super) fn get(&self, number: u32) -> Option<&K> {
        self.values.get(usize::try_from(number).ok()?)
    }

    /// All values, in the order of their numbers.
    pub(super) fn values(&self) -> &[K] {
        &self.values
    }
}

/// A node of a [`Tree`]: one stack, or the beginning of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeNumber(u32);

/// Stacks, from the outermost number to the innermost.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    children: FxHashMap<(Option<NodeNumber>, u32), NodeNumber>,
    most: usize,
}

#[derive(Debug)]
struct Node {
    parent: Option<NodeNumber>,
    value: u32,
    /// Stacks that end here.
    count: u64,
}

impl Tree {
    /// So many nodes take about 50 MB.
    pub(super) const MOST: usize = 1 << 20;

    /// An empty tree that will have at most so many nodes.
    pub(super) fn new(most: usize) -> Self {
        Self { nodes: Vec::new(), children: FxHashMap::default(), most }
    }

    /// The node of a stack; `None` where it is new and the tree is full.
    pub(super) fn node(&mut self, stack: impl IntoIterator<Item = u32>) -> Option<NodeNumber> {
        let mut at = None;
        for value in stack {
            at = Some(match self.children.get(&(at, value)) {
                Some(&child) => child,
                None => self.add(at, value)?,
            });
        }
        at
    }

    fn add(&mut self, parent: Option<NodeNumber>, value: u32) -> Option<NodeNumber> {
        if self.nodes.len() >= self.most {
            return None;
        }
        let number = NodeNumber(u32::try_from(self.nodes.len()).ok()?);
        self.nodes.push(Node { parent, value, count: 0 });
        self.children.insert((parent, value), number);
        Some(number)
    }

    fn get(&self, number: NodeNumber) -> Option<&Node> {
        self.nodes.get(usize::try_from(number.0).ok()?)
    }

    /// Counts a stack once more.
    pub(super) fn count(&mut self, number: NodeNumber) {
        let index = usize::try_from(number.0).unwrap_or(usize::MAX);
        if let Some(node) = self.nodes.get_mut(index) {
            node.count += 1;
        }
    }

    /// A stack, from its innermost number to the outermost.
    pub(super) fn stack(&self, number: NodeNumber) -> impl Iterator<Item = u32> {
        let node = self.get(number);
        std::iter::successors(node, |node| self.get(node.parent?)).map(|node| node.value)
    }

    /// Every stack that was counted, with its count.
    pub(super) fn counts(&self) -> impl Iterator<Item = (NodeNumber, u64)> {
        let numbers = (0..).map(NodeNumber);
        numbers.zip(&self.nodes).map(|(at, node)| (at, node.count)).filter(|&(_, count)| count > 0)
    }

    /// How many stacks were counted in all.
    pub(super) fn total(&self) -> u64 {
        self.nodes.iter().map(|node| node.count).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn equal_values_have_one_number() {
        let mut names = Interner::<Arc<str>>::new(2);
        let numbers = ["a", "b", "a"].map(|name| names.number_of(name.into()));
        assert_eq!(numbers, [Some(0), Some(1), Some(0)]);
        assert_eq!((names.number_of("c".into()), names.number_of("b".into())), (None, Some(1)));
        assert_eq!((names.known("b"), names.known("c")), (Some(1), None));
        assert_eq!(names.get(1).map(|name| &**name), Some("b"));
        assert_eq!((names.get(2), names.values().len()), (None, 2));
    }

    #[test]
    fn stacks_share_their_beginnings() {
        let mut tree = Tree::new(4);
        for stack in [vec![7, 8, 9], vec![7, 8], vec![7, 8, 9], vec![7, 5]] {
            let node = tree.node(stack).unwrap();
            tree.count(node);
        }
        // Full: what is known is counted on, what is new is refused.
        assert_eq!(tree.node([1]), None);
        assert_eq!(tree.node([7, 8, 9, 1]), None);
        let known = tree.node([7, 8]).unwrap();
        tree.count(known);
        let counts: Vec<_> = tree
            .counts()
            .map(|(node, count)| (tree.stack(node).collect::<Vec<_>>(), count))
            .collect();
        assert_eq!(counts, [(vec![8, 7], 2), (vec![9, 8, 7], 2), (vec![5, 7], 1)]);
        assert_eq!(tree.total(), 5);
    }
}
