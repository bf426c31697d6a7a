//! Why a walk ended, and why an event was lost. The numbers travel in records.

/// Declares an enumeration of one byte with a stable name for each value.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$variant_doc])* $variant = $number,)* }

        impl $name {
            /// Every value, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name that people and JSON see.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The value with this number, or `None` for a number that nothing has.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

named! {
    /// Where a walk ended.
    End {
        /// The bottom of a goroutine.
        Goexit = 1, "goexit";
        /// The bottom of a thread: a return address that the rules declare undefined.
        Thread = 2, "thread";
        /// The program's entry point.
        Process = 3, "process";
        /// The bottom of g0 or gsignal: mstart, mcall, morestack, rt0_go.
        Runtime = 4, "runtime";
        /// As many frames as a record holds; the innermost are kept.
        Limit = 5, "limit";
        /// The walk could not go on; the [`Reason`] says why.
        Error = 6, "error";
    }
}

impl End {
    /// Whether this is a true bottom of a stack.
    #[must_use]
    pub const fn is_bottom(self) -> bool {
        matches!(self, Self::Goexit | Self::Thread | Self::Process | Self::Runtime)
    }
}

named! {
    /// Why a walk could not go on.
    Reason {
        /// The address lies in a file whose unwind rows were not loaded yet.
        UnknownModule = 1, "unknown-module";
        /// The address lies in no file mapping: generated code, or no code at all.
        UnknownMapping = 2, "unknown-mapping";
        /// The target was changing its mappings at that moment.
        MappingBusy = 3, "mapping-busy";
        /// The module has no unwind rule for this address.
        NoRule = 4, "no-unwind-rule";
        /// The module's rule for this address is of a kind that is not executed here.
        UnsupportedRule = 5, "unsupported-unwind-rule";
        /// The rule needs a register whose value was not saved.
        RegisterLost = 6, "register-lost";
        /// The stack could not be read: not mapped, or not resident.
        StackUnreadable = 7, "stack-unreadable";
        /// The return address is no user-space address.
        BadReturnAddress = 8, "bad-return-address";
        /// The caller's frame would not lie above its callee's.
        NoProgress = 9, "no-progress";
        /// The unwind tables of this session are full; the module was left out.
        TableFull = 10, "unwind-table-full";
        /// The probe's own module was not known to the kernel side.
        ProbeUnknown = 11, "probe-unknown";
    }
}

named! {
    /// Why an event was lost. Also the index of its counter in the `LOSSES` map.
    Loss {
        /// The ring buffer was full: userspace did not read in time.
        RingFull = 0, "ring-full";
        /// Every walk slot of the CPU was taken by preempted walks.
        NoSlot = 1, "no-walk-slot";
        /// A control event (a new process or module) found the ring buffer full.
        ControlRingFull = 2, "control-ring-full";
        /// The frames of a stack that was hit again had been forgotten.
        StackForgotten = 3, "stack-forgotten";
        /// Too many hits waited for their names, or for the reader of the output.
        OutputBehind = 4, "output-behind";
    }
}
