	.file	"scope.cc"
	.text
.Ltext0:
	.file 0 "/src" "scope.cc"
	.p2align 4
	.globl	opaque
	.type	opaque, @function
opaque:
.LFB0:
	.file 1 "scope.cc"
	.loc 1 2 75
	.cfi_startproc
	.loc 1 2 82
	movl	sink(%rip), %eax
	addl	%edi, %eax
	movl	%eax, sink(%rip)
	.loc 1 2 88
	ret
	.cfi_endproc
.LFE0:
	.size	opaque, .-opaque
	.p2align 4
	.globl	outer
	.type	outer, @function
outer:
.LFB6:
	.loc 1 15 53
	.cfi_startproc
	subq	$8, %rsp
	.cfi_def_cfa_offset 16
.LBB26:
.LBB27:
.LBB28:
.LBB29:
.LBB30:
.LBB31:
	.loc 1 6 33
	call	opaque
	.loc 1 6 42
	movl	sink(%rip), %eax
	addl	$1, %eax
	movl	%eax, sink(%rip)
.LBE31:
.LBE30:
.LBE29:
.LBE28:
.LBE27:
.LBE26:
	.loc 1 15 69
	movl	sink(%rip), %eax
	subl	$1, %eax
	movl	%eax, sink(%rip)
	.loc 1 15 73
	addq	$8, %rsp
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
.LFE6:
	.size	outer, .-outer
	.section	.text.startup,"ax",@progbits
	.p2align 4
	.globl	main
	.type	main, @function
main:
.LFB7:
	.loc 1 16 12
	.cfi_startproc
	subq	$8, %rsp
	.cfi_def_cfa_offset 16
	.loc 1 16 19
	movl	$1, %edi
	call	outer
	.loc 1 16 31
	movl	sink(%rip), %eax
	.loc 1 16 37
	addq	$8, %rsp
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
.LFE7:
	.size	main, .-main
	.globl	sink
	.bss
	.align 4
	.type	sink, @object
	.size	sink, 4
sink:
	.zero	4
	.text
.Letext0:
	.section	.debug_info,"",@progbits
.Ldebug_info0:
	.long	0x232
	.value	0x5
	.byte	0x1
	.byte	0x8
	.long	.Ldebug_abbrev0
	.uleb128 0x9
	.long	.LASF9
	.byte	0x21
	.long	.LASF0
	.long	.LASF1
	.long	.LLRL0
	.quad	0
	.long	.Ldebug_line0
	.uleb128 0xa
	.long	.LASF10
	.byte	0x1
	.byte	0x2
	.byte	0x1b
	.long	0x47
	.uleb128 0x9
	.byte	0x3
	.quad	sink
	.uleb128 0xb
	.byte	0x4
	.byte	0x5
	.string	"int"
	.uleb128 0xc
	.long	0x40
	.uleb128 0xd
	.long	.LASF11
	.byte	0x1
	.byte	0x4
	.byte	0xb
	.long	0xb5
	.uleb128 0xe
	.long	0xa7
	.uleb128 0x7
	.long	.LASF2
	.byte	0x7
	.byte	0x8
	.long	0x99
	.uleb128 0x7
	.long	.LASF3
	.byte	0x8
	.byte	0xc
	.long	0x81
	.uleb128 0x5
	.long	.LASF4
	.byte	0x8
	.byte	0x28
	.uleb128 0x4
	.long	0x40
	.byte	0
	.byte	0
	.uleb128 0xf
	.long	.LASF7
	.byte	0x1
	.byte	0x9
	.byte	0x11
	.long	0x8d
	.uleb128 0x10
	.long	0xb5
	.uleb128 0x4
	.long	0x40
	.byte	0
	.byte	0
	.uleb128 0x5
	.long	.LASF5
	.byte	0x6
	.byte	0xd
	.uleb128 0x4
	.long	0x40
	.byte	0
	.byte	0
	.uleb128 0x5
	.long	.LASF6
	.byte	0xc
	.byte	0x14
	.uleb128 0x4
	.long	0x40
	.byte	0
	.byte	0
	.uleb128 0x11
	.byte	0x8
	.long	0x5d
	.uleb128 0x12
	.long	0xb5
	.uleb128 0x13
	.long	.LASF12
	.byte	0x1
	.byte	0x10
	.byte	0x5
	.long	0x40
	.quad	.LFB7
	.quad	.LFE7-.LFB7
	.uleb128 0x1
	.byte	0x9c
	.uleb128 0x14
	.long	.LASF13
	.byte	0x1
	.byte	0xf
	.byte	0x28
	.quad	.LFB6
	.quad	.LFE6-.LFB6
	.uleb128 0x1
	.byte	0x9c
	.long	0x19e
	.uleb128 0x8
	.string	"x"
	.byte	0xf
	.byte	0x32
	.long	0x40
	.uleb128 0x1
	.byte	0x55
	.uleb128 0x2
	.long	0x19e
	.quad	.LBB26
	.quad	.LBE26-.LBB26
	.byte	0xf
	.byte	0x3c
	.uleb128 0x1
	.long	0x1ab
	.uleb128 0x2
	.long	0x1b5
	.quad	.LBB27
	.quad	.LBE27-.LBB27
	.byte	0xe
	.byte	0x30
	.uleb128 0x1
	.long	0x1be
	.uleb128 0x2
	.long	0x1c8
	.quad	.LBB28
	.quad	.LBE28-.LBB28
	.byte	0xc
	.byte	0x30
	.uleb128 0x1
	.long	0x1df
	.uleb128 0x1
	.long	0x1d6
	.uleb128 0x2
	.long	0x1e9
	.quad	.LBB29
	.quad	.LBE29-.LBB29
	.byte	0x9
	.byte	0x2b
	.uleb128 0x1
	.long	0x1f2
	.uleb128 0x2
	.long	0x1fc
	.quad	.LBB30
	.quad	.LBE30-.LBB30
	.byte	0x8
	.byte	0x3a
	.uleb128 0x1
	.long	0x205
	.byte	0
	.byte	0
	.byte	0
	.byte	0
	.byte	0
	.byte	0
	.uleb128 0x15
	.long	.LASF8
	.byte	0x1
	.byte	0xe
	.byte	0x14
	.byte	0x3
	.long	0x1b5
	.uleb128 0x3
	.string	"x"
	.byte	0xe
	.byte	0x1e
	.long	0x40
	.byte	0
	.uleb128 0x6
	.long	0xa7
	.long	0x1c8
	.uleb128 0x3
	.string	"x"
	.byte	0xc
	.byte	0x20
	.long	0x40
	.byte	0
	.uleb128 0x16
	.long	0x81
	.long	0x1d6
	.byte	0x3
	.long	0x1e9
	.uleb128 0x17
	.long	.LASF14
	.long	0xbb
	.uleb128 0x3
	.string	"x"
	.byte	0x9
	.byte	0x1a
	.long	0x40
	.byte	0
	.uleb128 0x6
	.long	0x73
	.long	0x1fc
	.uleb128 0x3
	.string	"x"
	.byte	0x8
	.byte	0x31
	.long	0x40
	.byte	0
	.uleb128 0x6
	.long	0x99
	.long	0x20f
	.uleb128 0x3
	.string	"x"
	.byte	0x6
	.byte	0x16
	.long	0x40
	.byte	0
	.uleb128 0x18
	.long	.LASF15
	.byte	0x1
	.byte	0x2
	.byte	0x3d
	.quad	.LFB0
	.quad	.LFE0-.LFB0
	.uleb128 0x1
	.byte	0x9c
	.uleb128 0x8
	.string	"x"
	.byte	0x2
	.byte	0x48
	.long	0x40
	.uleb128 0x1
	.byte	0x55
	.byte	0
	.byte	0
	.section	.debug_abbrev,"",@progbits
.Ldebug_abbrev0:
	.uleb128 0x1
	.uleb128 0x5
	.byte	0
	.uleb128 0x31
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x2
	.uleb128 0x1d
	.byte	0x1
	.uleb128 0x31
	.uleb128 0x13
	.uleb128 0x11
	.uleb128 0x1
	.uleb128 0x12
	.uleb128 0x7
	.uleb128 0x58
	.uleb128 0x21
	.sleb128 1
	.uleb128 0x59
	.uleb128 0xb
	.uleb128 0x57
	.uleb128 0xb
	.byte	0
	.byte	0
	.uleb128 0x3
	.uleb128 0x5
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 1
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x4
	.uleb128 0x5
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x5
	.uleb128 0x2e
	.byte	0x1
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 1
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x3c
	.uleb128 0x19
	.byte	0
	.byte	0
	.uleb128 0x6
	.uleb128 0x2e
	.byte	0x1
	.uleb128 0x47
	.uleb128 0x13
	.uleb128 0x20
	.uleb128 0x21
	.sleb128 3
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x7
	.uleb128 0x13
	.byte	0x1
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0xb
	.uleb128 0x21
	.sleb128 1
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 1
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x8
	.uleb128 0x5
	.byte	0
	.uleb128 0x3
	.uleb128 0x8
	.uleb128 0x3a
	.uleb128 0x21
	.sleb128 1
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x2
	.uleb128 0x18
	.byte	0
	.byte	0
	.uleb128 0x9
	.uleb128 0x11
	.byte	0x1
	.uleb128 0x25
	.uleb128 0xe
	.uleb128 0x13
	.uleb128 0xb
	.uleb128 0x3
	.uleb128 0x1f
	.uleb128 0x1b
	.uleb128 0x1f
	.uleb128 0x55
	.uleb128 0x17
	.uleb128 0x11
	.uleb128 0x1
	.uleb128 0x10
	.uleb128 0x17
	.byte	0
	.byte	0
	.uleb128 0xa
	.uleb128 0x34
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x3f
	.uleb128 0x19
	.uleb128 0x2
	.uleb128 0x18
	.byte	0
	.byte	0
	.uleb128 0xb
	.uleb128 0x24
	.byte	0
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x3e
	.uleb128 0xb
	.uleb128 0x3
	.uleb128 0x8
	.byte	0
	.byte	0
	.uleb128 0xc
	.uleb128 0x35
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0xd
	.uleb128 0x39
	.byte	0x1
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0xe
	.uleb128 0x39
	.byte	0x1
	.uleb128 0x89
	.uleb128 0x19
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0xf
	.uleb128 0x2e
	.byte	0x1
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x3c
	.uleb128 0x19
	.uleb128 0x64
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x10
	.uleb128 0x5
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x34
	.uleb128 0x19
	.byte	0
	.byte	0
	.uleb128 0x11
	.uleb128 0xf
	.byte	0
	.uleb128 0xb
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x12
	.uleb128 0x26
	.byte	0
	.uleb128 0x49
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x13
	.uleb128 0x2e
	.byte	0
	.uleb128 0x3f
	.uleb128 0x19
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x11
	.uleb128 0x1
	.uleb128 0x12
	.uleb128 0x7
	.uleb128 0x40
	.uleb128 0x18
	.uleb128 0x7c
	.uleb128 0x19
	.byte	0
	.byte	0
	.uleb128 0x14
	.uleb128 0x2e
	.byte	0x1
	.uleb128 0x3f
	.uleb128 0x19
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x11
	.uleb128 0x1
	.uleb128 0x12
	.uleb128 0x7
	.uleb128 0x40
	.uleb128 0x18
	.uleb128 0x7c
	.uleb128 0x19
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x15
	.uleb128 0x2e
	.byte	0x1
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x20
	.uleb128 0xb
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x16
	.uleb128 0x2e
	.byte	0x1
	.uleb128 0x47
	.uleb128 0x13
	.uleb128 0x64
	.uleb128 0x13
	.uleb128 0x20
	.uleb128 0xb
	.uleb128 0x1
	.uleb128 0x13
	.byte	0
	.byte	0
	.uleb128 0x17
	.uleb128 0x5
	.byte	0
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x49
	.uleb128 0x13
	.uleb128 0x34
	.uleb128 0x19
	.byte	0
	.byte	0
	.uleb128 0x18
	.uleb128 0x2e
	.byte	0x1
	.uleb128 0x3f
	.uleb128 0x19
	.uleb128 0x3
	.uleb128 0xe
	.uleb128 0x3a
	.uleb128 0xb
	.uleb128 0x3b
	.uleb128 0xb
	.uleb128 0x39
	.uleb128 0xb
	.uleb128 0x11
	.uleb128 0x1
	.uleb128 0x12
	.uleb128 0x7
	.uleb128 0x40
	.uleb128 0x18
	.uleb128 0x7a
	.uleb128 0x19
	.byte	0
	.byte	0
	.byte	0
	.section	.debug_aranges,"",@progbits
	.long	0x3c
	.value	0x2
	.long	.Ldebug_info0
	.byte	0x8
	.byte	0
	.value	0
	.value	0
	.quad	.Ltext0
	.quad	.Letext0-.Ltext0
	.quad	.LFB7
	.quad	.LFE7-.LFB7
	.quad	0
	.quad	0
	.section	.debug_rnglists,"",@progbits
.Ldebug_ranges0:
	.long	.Ldebug_ranges3-.Ldebug_ranges2
.Ldebug_ranges2:
	.value	0x5
	.byte	0x8
	.byte	0
	.long	0
.LLRL0:
	.byte	0x7
	.quad	.Ltext0
	.uleb128 .Letext0-.Ltext0
	.byte	0x7
	.quad	.LFB7
	.uleb128 .LFE7-.LFB7
	.byte	0
.Ldebug_ranges3:
	.section	.debug_line,"",@progbits
.Ldebug_line0:
	.section	.debug_str,"MS",@progbits,1
.LASF6:
	.string	"outside"
.LASF13:
	.string	"outer"
.LASF3:
	.string	"Drawer"
.LASF5:
	.string	"leaf"
.LASF11:
	.string	"shop"
.LASF9:
	.string	"GNU C++17 12.2.0 -mtune=generic -march=x86-64 -gdwarf-5 -gno-statement-frontiers -gno-variable-location-views -O2 -fno-asynchronous-unwind-tables -fno-var-tracking"
.LASF8:
	.string	"plain"
.LASF14:
	.string	"this"
.LASF15:
	.string	"opaque"
.LASF12:
	.string	"main"
.LASF2:
	.string	"Till"
.LASF7:
	.string	"ring"
.LASF4:
	.string	"open"
.LASF10:
	.string	"sink"
	.section	.debug_line_str,"MS",@progbits,1
.LASF0:
	.string	"scope.cc"
.LASF1:
	.string	"/src"
	.ident	"GCC: (Debian 12.2.0-14+deb12u1) 12.2.0"
	.section	.note.GNU-stack,"",@progbits
