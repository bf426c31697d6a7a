module rustcalls

go 1.21
