# Two units inline a function that a third declares, as linkers leave link-time optimization.
	.text
	.globl	one, two, main
one:	nop
	nop
	ret
two:	nop
	nop
	ret
main:	ret
.Lend:
	.section	.debug_abbrev,"",@progbits
	.uleb128 1, 0x11		# unit with children: name, language
	.byte	1
	.uleb128 0x03, 0x08, 0x13, 0x0b, 0, 0
	.uleb128 2, 0x2e		# abstract function: name, inline
	.byte	0
	.uleb128 0x03, 0x08, 0x20, 0x0b, 0, 0
	.uleb128 3, 0x11		# unit with code: name, language, low_pc, high_pc
	.byte	1
	.uleb128 0x03, 0x08, 0x13, 0x0b, 0x11, 0x01, 0x12, 0x07, 0, 0
	.uleb128 4, 0x2e		# function: name, low_pc, high_pc
	.byte	1
	.uleb128 0x03, 0x08, 0x11, 0x01, 0x12, 0x07, 0, 0
	.uleb128 5, 0x1d		# inlined call: origin in any unit, low_pc, high_pc, file, line
	.byte	0
	.uleb128 0x31, 0x10, 0x11, 0x01, 0x12, 0x07, 0x58, 0x0b, 0x59, 0x0b, 0, 0
	.byte	0

	.macro	unit
	.long	9f-8f
8:	.short	4			# version
	.long	.debug_abbrev
	.byte	8			# bytes of an address
	.endm

	.macro	caller name, line
	unit
	.uleb128 3
	.asciz	"\name\().c"
	.byte	0x0c			# C99
	.quad	\name, 3
	.uleb128 4
	.asciz	"\name"
	.quad	\name, 3
	.uleb128 5
	.long	.Lleaf-.Linfo
	.quad	\name + 1, 1
	.byte	1, \line
	.byte	0, 0
9:
	.endm

	.section	.debug_info,"",@progbits
.Linfo:
	unit
	.uleb128 1
	.asciz	"leaf.c"
	.byte	0x0c
.Lleaf:
	.uleb128 2
	.asciz	"leaf"
	.byte	1			# inlined
	.byte	0
9:
	caller	one, 7
	caller	two, 9
	.section	.note.GNU-stack,"",@progbits
