/* Assembly by hand: its frames have unusual rules, or none. */

/* The CFA is RBX + 32. */
__asm__(
    ".text\n"
    ".globl odd_rbx\n"
    ".type odd_rbx, @function\n"
    "odd_rbx:\n"
    "    .cfi_startproc\n"
    "    pushq %rbx\n"
    "    .cfi_def_cfa_offset 16\n"
    "    .cfi_offset %rbx, -16\n"
    "    subq $16, %rsp\n"
    "    .cfi_def_cfa_offset 32\n"
    "    movq %rsp, %rbx\n"
    "    .cfi_def_cfa %rbx, 32\n"
    "    subq $4096, %rsp\n"
    "    andq $-256, %rsp\n"
    "    call oddcode_leaf\n"
    "    leaq 16(%rbx), %rsp\n"
    "    .cfi_def_cfa %rsp, 16\n"
    "    popq %rbx\n"
    "    .cfi_def_cfa_offset 8\n"
    "    ret\n"
    "    .cfi_endproc\n"
    ".size odd_rbx, . - odd_rbx\n");

/* The CFA is the word at RSP + 24: DW_CFA_def_cfa_expression, of the bytes
 * DW_OP_breg7 24, DW_OP_deref. */
__asm__(
    ".globl odd_expression\n"
    ".type odd_expression, @function\n"
    "odd_expression:\n"
    "    .cfi_startproc\n"
    "    leaq 8(%rsp), %rax\n"
    "    subq $40, %rsp\n"
    "    movq %rax, 24(%rsp)\n"
    "    .cfi_escape 0x0f, 0x03, 0x77, 0x18, 0x06\n"
    "    call oddcode_leaf\n"
    "    addq $40, %rsp\n"
    "    .cfi_def_cfa %rsp, 8\n"
    "    ret\n"
    "    .cfi_endproc\n"
    ".size odd_expression, . - odd_expression\n");

/* The CFA is RSP + 16 + 32: DW_CFA_def_cfa_expression, of the bytes DW_OP_breg7
 * 16, DW_OP_const1u 32, DW_OP_plus. True, but of no form that is executed. */
__asm__(
    ".globl odd_sum\n"
    ".type odd_sum, @function\n"
    "odd_sum:\n"
    "    .cfi_startproc\n"
    "    subq $40, %rsp\n"
    "    .cfi_escape 0x0f, 0x05, 0x77, 0x10, 0x08, 0x20, 0x22\n"
    "    call oddcode_leaf\n"
    "    addq $40, %rsp\n"
    "    .cfi_def_cfa %rsp, 8\n"
    "    ret\n"
    "    .cfi_endproc\n"
    ".size odd_sum, . - odd_sum\n");

__asm__(
    ".globl odd_without_rows\n"
    ".type odd_without_rows, @function\n"
    "odd_without_rows:\n"
    "    subq $264, %rsp\n"
    "    call oddcode_leaf\n"
    "    addq $264, %rsp\n"
    "    ret\n"
    ".size odd_without_rows, . - odd_without_rows\n");
