//! Key-exchange groups, as OpenSSL and BoringSSL call them.

use std::ffi::c_long;

use tls_core::Group;

/// What both libraries call a group in their lists, of those that can be chosen.
pub fn group_name(group: Group) -> Option<&'static str> {
    Some(match group {
        Group::SECP256R1 => "P-256",
        Group::SECP384R1 => "P-384",
        Group::X25519 => "X25519",
        Group::X25519MLKEM768 => "X25519MLKEM768",
        _ => return None,
    })
}

/// The group that `SSL_get_negotiated_group(3)` means: a NID, or a flag and the number on the wire.
///
/// BoringSSL tells the number on the wire.
pub fn group_of_nid(id: c_long) -> Option<Group> {
    const UNKNOWN_NID: c_long = 0x0100_0000;
    Some(match id {
        415 => Group::SECP256R1,
        715 => Group::SECP384R1,
        716 => Group::SECP521R1,
        1034 => Group::X25519,
        1035 => Group(30),                              // X448
        1126..=1130 => Group((id - 1126 + 256) as u16), // ffdhe2048 to ffdhe8192
        927 => Group(26),                               // brainpoolP256r1
        931 => Group(27),                               // brainpoolP384r1
        933 => Group(28),                               // brainpoolP512r1
        id if id & UNKNOWN_NID != 0 => Group((id & 0xffff) as u16),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_group_has_a_name() {
        assert!(Group::DEFAULT.iter().all(|group| group_name(*group).is_some()));
        assert_eq!(group_name(Group::SECP521R1), None);
    }

    #[test]
    fn groups_with_and_without_a_nid_are_found() {
        assert_eq!(group_of_nid(1034), Some(Group::X25519));
        assert_eq!(group_of_nid(1130).and_then(Group::name), Some("ffdhe8192"));
        assert_eq!(group_of_nid(0x0100_11ec), Some(Group::X25519MLKEM768));
        assert_eq!(group_of_nid(0), None);
    }
}
