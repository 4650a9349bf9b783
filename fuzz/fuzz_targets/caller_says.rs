#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| causeway_fuzz::caller_says(data));
