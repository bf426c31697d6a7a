module sqlite

go 1.21
