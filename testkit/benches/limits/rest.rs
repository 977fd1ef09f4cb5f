pub fn rest() {}
