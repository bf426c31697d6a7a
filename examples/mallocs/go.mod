module mallocs

go 1.21
