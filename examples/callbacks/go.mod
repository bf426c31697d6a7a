module cgotrace.example/callbacks

go 1.21
