module resolve

go 1.21
