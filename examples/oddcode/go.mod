module oddcode

go 1.21
