//! The Merkle tree of RFC 6962, section 2.1, over SHA-256. Pure: no files, no log.

use sha2::{Digest as _, Sha256};

/// A SHA-256 hash.
pub(crate) type Hash = [u8; 32];

/// SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// Hash of a leaf: the 0x00 keeps leaves and nodes apart.
pub(crate) fn leaf_hash(entry: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(entry);
    hasher.finalize().into()
}

/// Hash of an inner node.
pub(crate) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// Every hash of every complete subtree: row `k` holds those of 2^k leaves. 64 bytes an entry.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tree {
    rows: Vec<Vec<Hash>>,
}

impl Tree {
    /// Number of leaves.
    pub(crate) fn len(&self) -> u64 {
        self.rows.first().map_or(0, |row| row.len() as u64)
    }

    /// Adds a leaf's hash at the end.
    pub(crate) fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for level in 0.. {
            if self.rows.len() == level {
                self.rows.push(Vec::new());
            }
            let Some(row) = self.rows.get_mut(level) else {
                return;
            };
            row.push(hash);
            match row.as_slice() {
                [.., left, right] if row.len().is_multiple_of(2) => hash = node_hash(left, right),
                _ => return,
            }
        }
    }

    /// Forgets the leaves from `len` on.
    pub(crate) fn truncate(&mut self, len: u64) {
        for (level, row) in self.rows.iter_mut().enumerate() {
            row.truncate(usize::try_from(len >> level).unwrap_or(usize::MAX));
        }
    }

    /// Hash of the complete subtree number `index` of 2^`level` leaves.
    pub(crate) fn subtree(&self, level: u32, index: u64) -> Option<Hash> {
        let row = self.rows.get(usize::try_from(level).ok()?)?;
        row.get(usize::try_from(index).ok()?).copied()
    }

    /// Root of the first `size` leaves; `None` when there are fewer.
    pub(crate) fn root(&self, size: u64) -> Option<Hash> {
        match size {
            0 => Some(sha256(b"")),
            _ => self.range(0, size),
        }
    }

    /// MTH(D[start : start + n]) for the ranges that RFC 6962 splits a tree into; `n` is 1 or more.
    fn range(&self, start: u64, n: u64) -> Option<Hash> {
        if n.is_power_of_two() {
            return self.subtree(n.trailing_zeros(), start / n);
        }
        let left = split(n);
        Some(node_hash(
            &self.range(start, left)?,
            &self.range(start + left, n - left)?,
        ))
    }

    /// The audit path of leaf `index` in the tree of the first `size` leaves, from the leaf up.
    pub(crate) fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        if index >= size || size > self.len() {
            return None;
        }
        let (mut start, mut n, mut path) = (0, size, Vec::new());
        while n > 1 {
            let left = split(n);
            if index - start < left {
                path.push(self.range(start + left, n - left)?);
                n = left;
            } else {
                path.push(self.range(start, left)?);
                start += left;
                n -= left;
            }
        }
        path.reverse();
        Some(path)
    }
}

/// The largest power of two smaller than `n`; `n` is 2 or more.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// Whether `proof` shows that `leaf` is number `index` of the `size` leaves under `root` (RFC 9162, section 2.1.3.2).
pub(crate) fn included(leaf: Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

#[cfg(test)]
mod tests {
    use causeway_domain::Digest;

    use super::*;

    fn hex(hash: Hash) -> String {
        Digest::new(hash).to_string()
    }

    fn tree(size: u64) -> Tree {
        let mut tree = Tree::default();
        (0..size).for_each(|i| tree.push(leaf_hash(&i.to_be_bytes())));
        tree
    }

    /// The leaves and roots of Certificate Transparency's reference implementation (`merkletree/tree_test`).
    #[test]
    fn roots_are_those_of_the_reference() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Tree::default();
        assert_eq!(hex(tree.root(0).unwrap()), roots[0]);
        for (leaf, root) in leaves.iter().zip(&roots[1..]) {
            tree.push(leaf_hash(leaf));
            assert_eq!(hex(tree.root(tree.len()).unwrap()), *root);
        }
        // Earlier sizes can still be asked for.
        for (size, root) in (0..).zip(roots) {
            assert_eq!(hex(tree.root(size).unwrap()), root);
        }
        assert_eq!(tree.root(9), None);
        // The path that the same reference gives for the first of eight.
        let path: Vec<String> = tree.inclusion(0, 8).unwrap().into_iter().map(hex).collect();
        assert_eq!(
            path,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        );
    }

    #[test]
    fn every_leaf_up_to_70_is_proved_and_nothing_else() {
        let tree = tree(70);
        for size in 1..=70 {
            let root = tree.root(size).unwrap();
            for index in 0..size {
                let leaf = tree.subtree(0, index).unwrap();
                let proof = tree.inclusion(index, size).unwrap();
                assert!(
                    included(leaf, index, size, &proof, &root),
                    "{index} of {size}"
                );
                // Another leaf, place or root is not proved by it. (Another size may share the path's shape.)
                assert!(!included(leaf_hash(b"other"), index, size, &proof, &root));
                assert!(!included(leaf, size, size, &proof, &root));
                assert!(!included(leaf, index, size, &proof, &[0; 32]));
                if size > 1 {
                    assert!(!included(leaf, (index + 1) % size, size, &proof, &root));
                    assert!(!included(leaf, index, size, &proof[1..], &root));
                    let longer: Vec<Hash> = proof.iter().copied().chain([[7; 32]]).collect();
                    assert!(!included(leaf, index, size, &longer, &root));
                    for place in 0..proof.len() {
                        let mut changed = proof.clone();
                        changed[place][3] ^= 1;
                        assert!(!included(leaf, index, size, &changed, &root));
                    }
                }
            }
            assert_eq!(tree.inclusion(size, size), None);
        }
        assert_eq!(tree.inclusion(0, 71), None);
    }

    #[test]
    fn truncate_is_the_tree_before() {
        let mut grown = tree(300);
        grown.truncate(257);
        assert_eq!(grown.len(), 257);
        assert_eq!(grown.root(257), tree(257).root(257));
        grown.push(leaf_hash(&257u64.to_be_bytes()));
        assert_eq!(grown.root(258), tree(258).root(258));
        grown.truncate(0);
        assert_eq!(grown.len(), 0);
    }
}
