//! Whatever arrives as a client's certificate is read without a panic, and whom it names can be written into a log.

#![no_main]

use inference::identity::{ClientCertificate, SubjectName};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|der: &[u8]| {
    for name in [SubjectName::Spiffe, SubjectName::Dns, SubjectName::Email] {
        if let Some(subject) = ClientCertificate::read(der, name).subject {
            assert!(!subject.is_empty() && subject.bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
});
