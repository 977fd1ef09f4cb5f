pub fn cold_send() {}
