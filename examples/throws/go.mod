module throws

go 1.21
