module github.com/puntual/puntual/tools/prometheus-operator

go 1.26.3

require github.com/prometheus-operator/prometheus-operator v0.85.0
