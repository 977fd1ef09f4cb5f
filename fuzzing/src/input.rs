//! [`Input`]: a fuzzer's bytes as decisions. They are read from the front one after the other, so that a byte that is inserted or
//! removed keeps the decisions before it, and seeds can be written by hand. Behind the end every byte is 0.

/// The bytes that are left.
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    pub fn even(&mut self) -> bool {
        self.byte().is_multiple_of(2)
    }

    /// A number below 256.
    pub fn number(&mut self) -> usize {
        self.byte().into()
    }

    /// A number below 65 536.
    pub fn long(&mut self) -> usize {
        u16::from_be_bytes(self.array()).into()
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let taken = self.take(N);
        array[..taken.len()].copy_from_slice(taken);
        array
    }

    /// This many bytes, or as many as are left.
    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Bytes behind their length of two bytes; see [`piece`].
    pub fn piece(&mut self) -> &'a [u8] {
        let length = self.long();
        self.take(length)
    }

    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}

/// Bytes as [`Input::piece`] reads them, for seeds.
pub(crate) fn piece(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a seed's pieces are short");
    [&length.to_be_bytes()[..], bytes].concat()
}
