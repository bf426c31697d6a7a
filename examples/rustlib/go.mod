module rustlib

go 1.21
