module cpplib

go 1.21
