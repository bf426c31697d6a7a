/* No .cfi lines: nothing tells its frame, and RBP leads nowhere. */
    .text
    .globl without_rows
    .type without_rows, @function
without_rows:
    pushq %rbx
    pushq %rbp
    xorl %ebp, %ebp
    subq $24, %rsp
    call library_leaf@PLT
    addq $24, %rsp
    popq %rbp
    popq %rbx
    ret
    .size without_rows, . - without_rows
    .section .note.GNU-stack, "", @progbits
