module builds

go 1.21
