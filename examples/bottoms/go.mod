module bottoms

go 1.21
