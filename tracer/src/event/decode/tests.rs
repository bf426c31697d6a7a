use proptest::prelude::*;

use super::*;

/// A hit as its bytes, written field by field, in the order of the layout.
struct HitBytes {
    kind: u32,
    frames: u32,
    stack: u64,
    comm: [u8; 16],
    goroutine: u64,
    cgroup: u64,
    end: u8,
    reason: u8,
    body: Vec<(u64, u32, u16, u16)>,
}

impl HitBytes {
    fn with(body: &[(u64, u32, u16, u16)]) -> Self {
        Self {
            kind: 1,
            frames: u32::try_from(body.len()).unwrap(),
            stack: 0xabcd,
            comm: *b"worker\0\0\0\0\0\0\0\0\0\0",
            goroutine: 7,
            cgroup: 99,
            end: 1,
            reason: 0,
            body: body.to_vec(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(self.kind.to_le_bytes());
        bytes.extend(self.frames.to_le_bytes());
        bytes.extend(self.stack.to_le_bytes());
        bytes.extend(123_456_789u64.to_le_bytes());
        bytes.extend(4242u32.to_le_bytes());
        bytes.extend(4245u32.to_le_bytes());
        bytes.extend(0x0001_0000_0006_ab5d_u64.to_le_bytes());
        bytes.extend(self.goroutine.to_le_bytes());
        bytes.extend(self.cgroup.to_le_bytes());
        bytes.extend(self.comm);
        bytes.extend([self.end, self.reason, 0, 0, 0, 0, 0, 0]);
        for &(address, offset, module, flags) in &self.body {
            bytes.extend(address.to_le_bytes());
            bytes.extend(offset.to_le_bytes());
            bytes.extend(module.to_le_bytes());
            bytes.extend(flags.to_le_bytes());
        }
        bytes
    }
}

fn decode(bytes: &[u8]) -> Result<Event, EventError> {
    Decoder::default().decode(bytes)
}

const TWO: &[(u64, u32, u16, u16)] = &[(0x46_ab5d, 0x6_ab5d, 1, 1), (0x40_1000, 0, 0, 0)];

fn decode_hit(bytes: &HitBytes) -> Hit {
    match decode(&bytes.bytes()) {
        Ok(Event::Hit(hit)) => hit,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_every_field_of_a_hit() {
    let expected = Hit {
        time: 123_456_789,
        pid: 4242,
        tid: 4245,
        cookie: 0x0001_0000_0006_ab5d,
        goroutine: Some(7),
        cgroup: Some(99),
        comm: b"worker".to_vec(),
        end: End::Goexit,
        reason: None,
        stack: 0xabcd,
        frames: [
            Frame { address: 0x46_ab5d, offset: 0x6_ab5d, module: 1, flags: FRAME_EXACT },
            Frame { address: 0x40_1000, offset: 0, module: 0, flags: 0 },
        ]
        .into(),
    };
    assert_eq!(decode_hit(&HitBytes::with(TWO)), expected);
}

#[test]
fn zero_is_no_goroutine_and_no_cgroup() {
    let hit = decode_hit(&HitBytes { goroutine: 0, cgroup: 0, ..HitBytes::with(TWO) });
    assert_eq!((hit.goroutine, hit.cgroup), (None, None));
}

#[test]
fn a_name_may_fill_its_field() {
    let hit = decode_hit(&HitBytes { comm: [b'x'; 16], ..HitBytes::with(&[]) });
    assert_eq!(hit.comm, vec![b'x'; 16]);
}

#[test]
fn an_error_has_a_reason_and_nothing_else_has() {
    let hit = decode_hit(&HitBytes { end: 6, reason: 4, ..HitBytes::with(TWO) });
    assert_eq!((hit.end, hit.reason), (End::Error, Some(Reason::NoRule)));
    for (end, reason) in [(6, 0), (6, 200), (1, 4), (0, 0), (99, 0)] {
        let record = HitBytes { end, reason, ..HitBytes::with(TWO) }.bytes();
        assert!(matches!(decode(&record), Err(EventError::Unknown { .. })), "{end} {reason}");
    }
}

#[test]
fn every_length_but_the_right_one_is_an_error() {
    let whole = HitBytes::with(TWO).bytes();
    for length in 0..whole.len() {
        assert!(matches!(decode(&whole[..length]), Err(EventError::Short { .. })), "{length}");
    }
    let longer = [whole.as_slice(), &[0]].concat();
    assert!(matches!(decode(&longer), Err(EventError::Unknown { .. })));
    let counted = HitBytes { frames: u32::MAX, ..HitBytes::with(TWO) }.bytes();
    let expected = EventError::Unknown { what: "the count of frames", value: u32::MAX.into() };
    assert_eq!(decode(&counted), Err(expected));
}

#[test]
fn a_flag_that_nobody_writes_is_an_error() {
    assert!(decode(&HitBytes::with(&[(1, 2, 3, 4)]).bytes()).is_err());
}

#[test]
fn reads_every_field_of_a_control_event() {
    for kind in [2u32, 3] {
        let mut bytes = Vec::new();
        bytes.extend(kind.to_le_bytes());
        bytes.extend(11u32.to_le_bytes());
        bytes.extend(12u32.to_le_bytes());
        bytes.extend(13u32.to_le_bytes());
        bytes.extend(0xffff_8880_0000_1000_u64.to_le_bytes());
        bytes.extend(0x7f00_1234_5678_u64.to_le_bytes());
        bytes.extend(555u64.to_le_bytes());
        bytes.extend(66u32.to_le_bytes());
        bytes.extend(77u32.to_le_bytes());
        let expected = Control {
            kind,
            pid: 11,
            process: ProcessKey { tgid: 12, exec: 13, mm: 0xffff_8880_0000_1000 },
            address: 0x7f00_1234_5678,
            module: ModuleKey { inode: 555, device: 66, generation: 77 },
        };
        assert_eq!(decode(&bytes), Ok(Event::Control(expected)));
        assert!(matches!(decode(&bytes[..47]), Err(EventError::Short { have: 47, need: 48 })));
    }
}

#[test]
fn a_stack_that_was_sent_is_not_sent_again() {
    let mut decoder = Decoder::default();
    let again = HitBytes { kind: 4, frames: 2, ..HitBytes::with(&[]) }.bytes();
    // Nobody sent it yet.
    assert_eq!(decoder.decode(&again), Ok(Event::Lost(Loss::StackForgotten, 1)));
    let Ok(Event::Hit(first)) = decoder.decode(&HitBytes::with(TWO).bytes()) else { panic!() };
    assert_eq!(decoder.decode(&again), Ok(Event::Hit(first)));
    // Another stack, and a record that cannot be.
    let other = HitBytes { kind: 4, frames: 2, stack: 5, ..HitBytes::with(&[]) }.bytes();
    assert_eq!(decoder.decode(&other), Ok(Event::Lost(Loss::StackForgotten, 1)));
    let three = HitBytes { kind: 4, frames: 3, ..HitBytes::with(&[]) }.bytes();
    assert!(matches!(decoder.decode(&three), Err(EventError::Unknown { .. })));
    let longer = [again.as_slice(), &[0; 16]].concat();
    assert!(matches!(decoder.decode(&longer), Err(EventError::Unknown { .. })));
}

#[test]
fn the_remembered_stacks_are_bounded() {
    let mut decoder = Decoder::default();
    for stack in 0..3 * MAX_STACKS as u64 {
        decoder.decode(&HitBytes { stack, ..HitBytes::with(TWO) }.bytes()).unwrap();
    }
    assert_eq!(decoder.stacks.len(), 2 * MAX_STACKS);
}

#[test]
fn an_unknown_kind_is_an_error() {
    assert_eq!(decode(&[9, 0, 0, 0]), Err(EventError::Unknown { what: "the kind", value: 9 }));
    assert_eq!(decode(&[]), Err(EventError::Short { have: 0, need: 4 }));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn random_bytes_of_a_known_kind_never_panic(
        kind in 1u32..5,
        frames in 0u32..20,
        rest in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend(frames.to_le_bytes());
        bytes.extend(rest);
        let _ = decode(&bytes);
    }

    #[test]
    fn any_frames_come_back(
        body in proptest::collection::vec((any::<u64>(), any::<u32>(), any::<u16>(), 0u16..2), 0..513),
    ) {
        let expected: Vec<Frame> = body
            .iter()
            .map(|&(address, offset, module, flags)| Frame { address, offset, module, flags })
            .collect();
        prop_assert_eq!(decode_hit(&HitBytes::with(&body)).frames.to_vec(), expected);
    }
}
